"""The gateway for real: three processes, three users, three namespaces, pipes between."""

import json

import pytest

from network.gateway import transfers
from tests.netns.world import CHANNELS

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

APPOINTMENT = {
    "resourceType": "Appointment",
    "status": "proposed",
    "start": "2026-11-30T09:00:00+08:00",
    "description": "复诊",
    "slot": [{"reference": "Slot/s1"}],
    "patientInstruction": "must not cross",
}
BUNDLE = {
    "resourceType": "Bundle",
    "entry": [{"fullUrl": "http://his/1", "resource": {"resourceType": "Slot", "id": "s1",
               "status": "free", "comment": "internal"}}],
}  # fmt: skip


def events(world):
    return [t.event for t in transfers.read(world.layout.journal)]


def test_a_read_crosses_with_allowed_fields_only(gateway):
    his = gateway.receiver("int", lambda *_: (200, json.dumps(BUNDLE).encode()))
    reply = gateway.ask("ext", "GET", "/fhir/Slot?date=ge2026-11-30&status=free", Cookie="secret=1")
    assert reply.status == 200, reply.body
    assert reply.json["entry"] == [
        {"resource": {"resourceType": "Slot", "id": "s1", "status": "free"}}
    ]
    assert his.got[0][0] == "/fhir/Slot?date=ge2026-11-30&status=free"
    assert "Cookie" not in his.headers[0]
    assert events(gateway) == ["started", "request", "answer"]


def test_a_booking_is_accepted_stored_and_delivered(gateway):
    his = gateway.receiver("int", lambda *_: (202, b""))
    reply = gateway.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT)
    assert reply.status == 202
    gateway.until(lambda: "delivered" in events(gateway))
    path, delivery, body = his.got[0]
    assert (path, delivery) == ("/fhir/Appointment", reply.json["delivery"])
    assert json.loads(body) == {k: v for k, v in APPOINTMENT.items() if k != "patientInstruction"}


def test_the_answer_goes_the_other_way(gateway):
    module = gateway.receiver("ext", lambda *_: (204, b""))
    booked = {**APPOINTMENT, "status": "booked"}
    assert gateway.ask("int", "POST", "/fhir/Appointment", booked).status == 202
    gateway.until(lambda: len(module.got) == 1)


def test_default_deny(gateway):
    his = gateway.receiver("int")
    refused = [
        gateway.ask("ext", "GET", "/fhir/Patient"),
        gateway.ask("ext", "DELETE", "/fhir/Slot"),
        gateway.ask("int", "GET", "/fhir/Slot"),
        gateway.ask("ext", "GET", "/fhir/Slot?name=li"),
        gateway.ask("ext", "POST", "/fhir/Appointment", {**APPOINTMENT, "status": "fulfilled"}),
        gateway.ask("ext", "POST", "/fhir/Appointment", b'{"status":"proposed","status":"booked"}'),
    ]
    assert [r.status for r in refused] == [403, 403, 403, 400, 422, 422]
    assert {r.json["code"] for r in refused} == {
        "gateway.no_channel", "gateway.query_refused", "gateway.body_refused",
    }  # fmt: skip
    assert refused[0].json["message"]["zh"]
    assert refused[0].json["hint"]["en"]
    assert events(gateway).count("refused") == 6
    assert not his.got


def test_another_peer_of_the_zone_is_refused(gateway):
    gateway.machines["ext"] = gateway.machine("x2", gateway.plan.extranet.bridge, "10.88.0.11")
    assert gateway.ask("ext", "GET", "/fhir/Slot").json["code"] == "gateway.wrong_peer"


@pytest.mark.parametrize("spoil", ["alter", "unsigned", "missing", "other key"])
def test_without_a_valid_policy_all_is_denied(world, spoil):
    world.issue(*CHANNELS)
    file = world.layout.folder / "policy.signed"
    if spoil == "alter":
        file.write_bytes(file.read_bytes().replace(b"10.88.0.10", b"10.88.0.11"))
    elif spoil == "unsigned":
        file.write_bytes(file.read_bytes().split(b"\n", 1)[1])
    elif spoil == "missing":
        file.unlink()
    else:
        world.layout.policy_key.unlink()
    world.start()
    reply = world.ask("ext", "GET", "/fhir/Slot")
    assert (reply.status, reply.json["code"]) == (503, "gateway.no_policy")
    assert "deny all" in (world.layout.folder / "log" / "guard.log").read_text()


def test_the_same_key_is_accepted_once(gateway):
    his = gateway.receiver("int", lambda *_: (200, b""))
    first = gateway.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT, Idempotency_Key="k1")
    gateway.kill("guard")
    second = gateway.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT, Idempotency_Key="k1")
    other = {**APPOINTMENT, "description": "x"}
    third = gateway.ask("ext", "POST", "/fhir/Appointment", other, Idempotency_Key="k1")
    assert (first.json, third.status) == (second.json, 409)
    gateway.until(lambda: "delivered" in events(gateway))
    assert len({delivery for _, delivery, _ in his.got}) == 1


def test_a_dead_receiver_leads_to_a_dead_letter_in_order(gateway):
    his = gateway.receiver("int", lambda *_: (500, b""))
    assert gateway.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT).status == 202
    gateway.until(lambda: "dead" in events(gateway))
    assert len(his.got) == 4
    assert len({delivery for _, delivery, _ in his.got}) == 1
    assert events(gateway)[-4:] == ["attempt", "attempt", "attempt", "dead"]


def test_a_late_or_absent_far_side_is_said(gateway):
    assert gateway.ask("ext", "GET", "/fhir/Slot").status == 502
    his = gateway.receiver("int")
    his.delay = 3.0
    assert gateway.ask("ext", "GET", "/fhir/Slot").status == 504
    his.delay = 0
    his.answer = lambda *_: (200, b'{"resourceType":"Patient"}')
    assert gateway.ask("ext", "GET", "/fhir/Slot").json["code"] == "gateway.body_refused"
