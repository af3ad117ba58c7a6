"""Programs of a lab are known by id and start time, and only they are ended."""

import os
import signal
import socket
from pathlib import Path

import pytest

from appliance.clock import pause
from appliance.host import LocalHost
from images.lab import forward, processes
from images.lab.names import Names


def test_a_program_lives_until_it_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "p.pid"
    made = processes.spawn(LocalHost(), ["sleep", "300"], note, log=tmp_path / "log")
    assert made.alive()
    assert processes.noted(note) == made == processes.current(made.pid)
    made.end()
    assert not made.alive()
    made.end()


def test_a_stubborn_program_is_killed(tmp_path: Path) -> None:
    script = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    made = processes.spawn(LocalHost(), script, tmp_path / "p.pid", log=tmp_path / "log")
    while "ready" not in processes.tail(tmp_path / "log"):
        pause(0.01)
    made.end(patience=0.2)
    assert not made.alive()


def test_an_id_given_to_somebody_else_is_left_alone() -> None:
    me = processes.current(os.getpid())
    assert me is not None
    processes.Process(me.pid, me.start + 1).send(signal.SIGKILL)
    assert me.alive()


def test_a_program_that_is_missing_says_so(tmp_path: Path) -> None:
    made = processes.spawn(
        LocalHost(), ["/nonexistent/program"], tmp_path / "p.pid", log=tmp_path / "log"
    )
    assert made.wait(5)
    assert "nonexistent" in processes.tail(tmp_path / "log")


def test_nothing_noted(tmp_path: Path) -> None:
    assert processes.noted(tmp_path / "none") is None
    (tmp_path / "bad").write_text("x")
    assert processes.noted(tmp_path / "bad") is None
    assert processes.current(2**22 + 1) is None


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(forward.PortTaken) as caught:
            forward.start(LocalHost(), Names("demo", tmp_path), port, "none", "10.0.0.1:1")
    assert str(port) in caught.value.message.zh
    forward.refuse_taken(forward.free_port())
