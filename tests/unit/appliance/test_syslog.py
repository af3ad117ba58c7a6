"""Syslog: local socket, remote over UDP and TCP, and a receiver that is away."""

import socket

import pytest

from appliance.errors import BadInput
from appliance.syslog import Syslog, parsed


def test_a_line_goes_to_the_local_and_the_remote_receiver(tmp_path):
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        here.bind(str(tmp_path / "log"))
        there.bind(("127.0.0.1", 0))
        for ear in (here, there):
            ear.settimeout(3)
        log = Syslog(f"udp://127.0.0.1:{there.getsockname()[1]}", local=tmp_path / "log")
        assert log.send("head 7\nforged line", "warning") == 2
        assert here.recv(999) == there.recv(999) == b"<180>hbox: head 7 forged line"


def test_over_tcp_a_line_ends_with_a_line_feed(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as ear:
        ear.settimeout(3)
        log = Syslog(f"tcp://127.0.0.1:{ear.getsockname()[1]}", local=tmp_path / "none")
        assert log.send("one", "error") == 1
        line, _ = ear.accept()
        with line:
            line.settimeout(3)
            assert line.recv(999) == b"<179>hbox: one\n"


def test_receivers_that_are_away_cost_nothing_but_the_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as ear:
        port = ear.getsockname()[1]
    assert Syslog(f"tcp://127.0.0.1:{port}", local=tmp_path / "none").send("x") == 0
    assert Syslog(local=tmp_path / "none").send("x") == 0


@pytest.mark.parametrize("remote", ["tls://h", "udp://", "h:514", "tcp://h/x"])
def test_a_remote_of_another_form_is_refused(remote):
    with pytest.raises(BadInput):
        parsed(remote)
    assert parsed("") is None
    assert parsed("udp://log.example")[0] == ("log.example", 514)
