"""Whether a node's SSH speaks, before anybody logs in."""

import socket
import threading

from hardware.ssh import answers


def test_a_banner_is_an_answer_and_silence_is_none():
    served = socket.create_server(("127.0.0.1", 0))
    port = served.getsockname()[1]

    def once():
        taken, _ = served.accept()
        taken.sendall(b"SSH-2.0-x\r\n")
        taken.close()

    thread = threading.Thread(target=once)
    thread.start()
    assert answers("127.0.0.1", port) == ""
    thread.join()
    served.close()
    assert "refused" in answers("127.0.0.1", port)
