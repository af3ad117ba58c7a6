"""How the worker reaches a screen on another node: through the node's own relay, over its host."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance.host import LocalHost
from controller.workers import consoles


class Away:
    """Another node, reached by a program's standard streams; here the program runs beside us."""

    name = "n2"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def stream(self, argv):
        self.asked.append(list(argv))
        self.process = subprocess.Popen(
            [sys.executable, *argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def read(self, limit: int = 65536) -> bytes:
        return self.process.stdout.read1(limit)

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


@pytest.fixture
def screen(tmp_path: Path):
    """A screen that greets and gives back what it hears."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "v"))
        door.listen()

        def serve() -> None:
            line, _ = door.accept()
            with line:
                line.sendall(b"RFB 003.008\n")
                while data := line.recv(4096):
                    line.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield str(tmp_path / "v")
        thread.join(10)


@pytest.mark.parametrize("host", [LocalHost(), Away()], ids=["here", "on another node"])
def test_a_screen_is_reached_wherever_its_machine_runs(host, screen: str) -> None:
    line = consoles._screen(host, screen)
    assert line.read(12) == b"RFB 003.008\n"
    line.write(b"hello")
    assert line.read(5) == b"hello"
    line.close()
    if isinstance(host, Away):
        assert host.asked[0][-1] == screen
        assert host.asked[0][1:4] == ["-I", "-m", "appliance.relay"]


def test_a_screen_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(consoles.ScreenAway):
        consoles._screen(LocalHost(), str(tmp_path / "none"))
