"""The relay: bytes between a program's standard streams and a Unix socket, until either end is over."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

ARGV = (sys.executable, "-I", "-m", "appliance.relay")


def start(path: Path) -> subprocess.Popen:
    # -I leaves the folder out of the path, as on a node: there the package is installed.
    return subprocess.Popen(
        [*ARGV, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_bytes_pass_both_ways_and_the_end_of_one_is_the_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        whole = bytes(range(256)) * 4096

        def serve() -> None:
            line, _ = door.accept()
            with line:
                line.sendall(b"RFB 003.008\n")
                assert line.recv(64) == b"hello"
                line.sendall(whole)

        server = threading.Thread(target=serve)
        server.start()
        with start(tmp_path / "s") as process:
            assert process.stdout.read(12) == b"RFB 003.008\n"
            process.stdin.write(b"hello")
            process.stdin.flush()
            assert process.stdout.read() == whole
            assert process.wait(20) == 0
        server.join(10)


def test_when_nobody_reads_any_more_the_socket_is_let_go(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        with start(tmp_path / "s") as process:
            line, _ = door.accept()
            process.stdin.close()
            line.settimeout(20)
            assert line.recv(16) == b""
            line.close()
            assert process.wait(20) == 0


def test_a_socket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with start(tmp_path / "none") as process:
        assert process.wait(20) == 1
        assert b"No such file" in process.stderr.read()
