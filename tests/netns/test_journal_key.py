"""The journal's key: without it all is denied; with it no body lies open, and nobody else sees the key."""

from pathlib import Path

import pytest

from network.gateway import transfers, vault
from tests.netns.test_gateway import APPOINTMENT
from tests.netns.world import CHANNELS

pytestmark = pytest.mark.netns


@pytest.mark.parametrize("spoil", ["missing", "garbage"])
def test_without_the_key_all_is_denied(world, spoil):
    key = world.layout.journal_key
    key.unlink() if spoil == "missing" else key.write_text("no key\n")
    world.issue(*CHANNELS)
    world.start()
    reply = world.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT)
    assert (reply.status, reply.json["code"]) == (503, "gateway.no_policy")
    assert "journal's key is not valid" in _log(world)


def test_no_body_lies_open_and_the_key_is_in_no_process_list(gateway):
    gateway.receiver("int", lambda *_: (200, b""))
    told = {**APPOINTMENT, "description": "张伟复诊"}
    assert gateway.ask("ext", "POST", "/fhir/Appointment", told).status == 202
    gateway.until(lambda: "delivered" in [t.event for t in transfers.read(gateway.layout.journal)])
    raw = b"".join(p.read_bytes() for p in gateway.layout.journal.iterdir())
    assert "张伟".encode() not in raw
    assert b"Slot/s1" not in raw
    text = gateway.layout.journal_key.read_text()
    (number,) = [t.number for t in transfers.read(gateway.layout.journal) if t.event == "accepted"]
    keys = vault.Vault(vault.parse(text))
    assert "张伟".encode() in transfers.body(gateway.layout.journal, number, keys)
    secret = text.split()[1].encode()
    for pid in gateway.pids.values():
        for name in ("cmdline", "environ"):
            assert secret not in Path(f"/proc/{pid}/{name}").read_bytes()


def test_a_changed_key_is_taken_at_the_next_start_and_queued_messages_still_go(gateway):
    assert gateway.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT).status == 202
    vault.rotate(gateway.layout.journal_key)
    gateway.kill("guard")
    his = gateway.receiver("int", lambda *_: (200, b""))
    gateway.until(lambda: len(his.got) == 1)
    assert b"Slot/s1" in his.got[0][2]
    assert transfers.verify(gateway.layout.journal).number > 3


def _log(world):
    return (world.layout.folder / "log" / "guard.log").read_text()
