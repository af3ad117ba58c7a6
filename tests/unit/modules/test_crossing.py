"""What the modules say crosses the real gateway's minimiser, and what comes out is still understood."""

import json

import pytest

from appliance.sdk import source
from appliance.sdk.flows import Flow
from network.gateway.inspect import Field, compiled, minimise
from network.gateway.refusals import BodyRefused
from tests.unit.modules.chain import MODULES, Chain
from tests.unit.modules.relay import Relay
from tests.unit.modules.test_booking import proposal

FLOWS = {f.channel: f for f in source.read(MODULES / "his-standin").manifest.flows if f.crosses}


def crossed(flow: Flow, body: bytes) -> bytes:
    """Return what the gateway lets through on this channel."""
    message = flow.request or flow.response
    assert message is not None
    fields = [Field(f.path, f.type, f.required, f.values, f.longest) for f in message.fields]
    return minimise(body, compiled(fields), limit=262_144).body


def test_the_slots_cross_whole_but_for_what_nobody_needs(chain: Chain) -> None:
    said = json.loads(chain.his.get("/fhir/Slot?status=free")[1])
    got = json.loads(crossed(FLOWS["slot-read"], json.dumps(said).encode()))
    assert [e["resource"] for e in got["entry"]] == [e["resource"] for e in said["entry"]]
    assert "search" not in got["entry"][0]


def test_no_free_slots_cross_as_well() -> None:
    empty = b'{"resourceType":"Bundle","type":"searchset","total":0,"entry":[]}'
    assert json.loads(crossed(FLOWS["slot-read"], empty))["entry"] == []


def test_a_booking_as_the_module_makes_it_crosses_and_is_understood(own_chain: Chain) -> None:
    patient = own_chain.browser()
    slot = own_chain.slots()[-1]
    hidden = patient.form(slot)
    sent: list[bytes] = []
    own_chain.relay.seen = sent.append
    location = patient.submit(slot, hidden).headers["Location"]
    assert patient.settled(location) == "booked"
    booking, answer = sent
    for flow, body in (("booking", booking), ("booking-answer", answer)):
        assert json.loads(crossed(FLOWS[flow], body)) == json.loads(body)


def test_what_is_not_declared_does_not_cross(chain: Chain) -> None:
    more = json.loads(proposal("cross-1", chain.slots()[-1]))
    more["contained"][0]["identifier"] = [{"system": "urn:id", "value": "110101199003070000"}]
    more["comment"] = "free text"
    body = crossed(FLOWS["booking"], json.dumps(more).encode())
    assert b"110101199003070000" not in body
    assert b"free text" not in body
    headers = {"X-HBox-Delivery": "cross-1"}
    assert Relay.ask(chain.his.port, "POST", "/fhir/Appointment", body, headers)[0] == 201
    more["status"] = "booked"
    with pytest.raises(BodyRefused):
        crossed(FLOWS["booking"], json.dumps(more).encode())
