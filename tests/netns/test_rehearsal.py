"""The dry run against the truth: what it foretold is what the real gateway then does, message by message."""

from collections import Counter
from dataclasses import replace

import pytest

from appliance.clock import iso, pause
from appliance.signing import VerifyKey
from network.gateway import orders, policy, transfers, vault
from network.gateway.inspect import Field
from network.gateway.orders import Order
from network.gateway.rehearsal import Kept, rehearse
from network.gateway.text import parse, render
from tests.netns.world import CHANNELS

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

BOOKING = CHANNELS[1]
MESSAGES = [
    {
        "resourceType": "Appointment",
        "status": ("proposed", "booked", "cancelled")[n % 3],
        "description": "复诊" * (1 + n % 12),
        "slot": [{"reference": f"Slot/s{n}"}],
    }
    for n in range(60)
]


def narrower():
    """The booking channel with a shorter text, fewer states and no slot, read from its own text."""
    fields = []
    for field in BOOKING.request:
        if field.path == "status":
            fields.append(replace(field, values=("proposed", "booked")))
        elif field.path == "description":
            fields.append(Field("description", "string", longest=16))
        elif not field.path.startswith("slot"):
            fields.append(field)
    return parse(render(replace(BOOKING, request=tuple(fields))), "sam", "sue")


def loaded(world):
    return policy.load(world.layout.folder, VerifyKey.from_pem(world.key.public.pem))


def sent(world):
    """Send every message once; return what became of each, in order."""
    return [world.ask("ext", "POST", "/fhir/Appointment", one).status for one in MESSAGES]


def test_what_the_dry_run_foretells_comes_true(world):
    world.issue(BOOKING)
    world.start()
    his = world.receiver("int", lambda *_: (202, b""))
    assert set(sent(world)) == {202}
    world.until(lambda: len(his.got) == len(MESSAGES))
    now = loaded(world)

    world.issue(narrower())
    then = loaded(world)
    keys = vault.load(world.layout.journal_key)
    kept = [Kept(r.number, r.facts, r.body(keys)) for r in transfers.records(world.layout.journal)]
    (told,) = rehearse(kept, now, then, lambda _count: None)
    assert told.messages == len(MESSAGES)

    world.stop()
    world.start()
    his.got.clear()
    became = Counter(sent(world))
    assert became[422] == told.refused["gateway.body_refused"] > 0
    assert became[202] == told.fewer + told.same > 0
    world.until(lambda: len(his.got) == became[202])
    dropped = sum(
        t.dropped
        for t in transfers.read(world.layout.journal)
        if t.event == "accepted" and t.policy == then.digest
    )
    assert dropped == told.fields > 0


def test_a_paused_channel_holds_until_it_goes_on(world):
    world.issue(BOOKING)
    world.start()
    his = world.receiver("int", lambda *_: (202, b""))

    def order(n, op):
        given = orders.load(world.layout.folder, world.key.public)
        made = Order(n=n, op=op, by="sue", at=iso(), channel="booking")
        orders.write(world.layout.folder, [*given, made], world.key)
        world.until(
            lambda: any(
                t.event == "ordered" and t.order == n for t in transfers.read(world.layout.journal)
            )
        )

    order(1, "pause")
    # A stored message is taken in and waits: nothing is lost by a pause, and nothing crosses.
    assert world.ask("ext", "POST", "/fhir/Appointment", MESSAGES[0]).status == 202
    pause(1.5)
    assert his.got == []
    order(2, "resume")
    world.until(lambda: len(his.got) == 1)
