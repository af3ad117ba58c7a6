"""Carries bytes between standard input and output and a Unix socket, for somebody who is on another node.

Run as `python -m appliance.relay PATH`; it ends when either end is over. Nothing but the standard library.
"""

import os
import socket
import sys
import threading

_CHUNK = 65536


def main(path: str) -> int:
    """Connect to the socket at `path` and carry bytes until either end is over; 1 when it cannot."""
    held = socket.socket(socket.AF_UNIX)
    try:
        held.connect(path)
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
        return 1
    threading.Thread(target=_inward, args=(held,), daemon=True).start()
    try:
        while data := held.recv(_CHUNK):
            _whole(1, data)
    except OSError:
        pass
    return 0


def _inward(held: socket.socket) -> None:
    try:
        while data := os.read(0, _CHUNK):
            held.sendall(data)
        held.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _whole(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
