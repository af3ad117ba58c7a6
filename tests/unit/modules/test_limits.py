"""The booking limit per address, seen from outside."""

from pathlib import Path

from tests.unit.modules.chain import Browser, Module
from tests.unit.modules.relay import Relay


def test_too_many_bookings_of_one_address(tmp_path: Path) -> None:
    relay = Relay()
    module = Module("appointment", tmp_path, relay.outside.server_port, limit=3)
    module.start()
    try:
        patient = Browser(module.port)
        got = [patient.ask("POST", "/book/x", "a=b").status for _ in range(5)]
        assert got == [403, 403, 403, 429, 429]
        assert "操作过于频繁" in patient.ask("POST", "/book/x", "a=b").text
    finally:
        module.end()
        relay.end()
