"""Medicine passes for real: every example through the three processes, compared where it arrives."""

import json
import os
import tempfile
from base64 import b64encode
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from network.gateway import transfers
from network.gateway.channel import Resource
from network.gateway.inspect import Field
from tests.medicine.channels import WHOLE, minimal
from tests.medicine.examples import examples
from tests.medicine.test_examples import allowed, tree
from tests.netns.test_scan import EICAR, Clamd
from tests.netns.world import World, read_reply

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]


@pytest.fixture
def world():
    """A miniature box with a real virus scanner: some examples carry pictures and documents."""
    assert os.geteuid() == 0, "these tests need root: they build network namespaces"
    with (
        tempfile.TemporaryDirectory(prefix="hbox-test-") as folder,
        tempfile.TemporaryDirectory(prefix="hbox-clamd-") as aside,
    ):
        Path(aside).chmod(0o755)
        scanner = Clamd(Path(aside))
        made = World(Path(folder))
        try:
            scanner.start()
            made.layout = replace(made.layout, clamd=scanner.socket)
            yield made
        finally:
            made.close()
            scanner.stop()


def sent(world, items):
    """Post every example on one connection; return the statuses."""
    statuses = []
    with world.dial("ext") as link, link.makefile("rb") as file:
        for one in items:
            head = f"POST /fhir/{one.type} HTTP/1.1\r\nHost: g\r\nContent-Length: {len(one.body)}\r\n\r\n"
            link.sendall(head.encode() + one.body)
            statuses.append(read_reply(file).status)
    return statuses


def through(world, channel):
    """Send all examples over `channel`; return path and parsed body of each as it arrived."""
    his = world.receiver("int", lambda *_: (201, b""))
    world.issue(channel)
    world.start()
    assert set(sent(world, examples())) == {202}
    world.until(lambda: len(his.got) >= len(examples()), 150)
    return [(path, json.loads(body, parse_float=Decimal)) for path, _, body in his.got]


def test_all_examples_arrive_whole_unchanged_and_in_order(world):
    arrived = through(world, WHOLE)
    assert arrived == [(f"/fhir/{one.type}", one.value) for one in examples()]
    world.until(
        lambda: (
            [t.event for t in transfers.read(world.layout.journal)].count("delivered")
            == len(arrived)
        )
    )


def test_under_a_minimising_policy_only_allowed_fields_arrive(world):
    channel = minimal(7)
    trees = {r.type: tree(f.path for f in r.fields) for r in channel.resources}
    assert [body for _, body in through(world, channel)] == [
        {"resourceType": one.type, **allowed(one.value, trees[one.type])} for one in examples()
    ]


SLOT = Resource(
    "Slot", ("read", "search"), ("status",), (Field("id", "id"), Field("status", "code"))
)
PATIENT = Resource("Patient", ("read", "create"), whole=True)
BOOKING = Resource("Appointment", ("transaction",), fields=(Field("status", "code"),))
ASKED = replace(WHOLE, id="asked", lane="request", leak="refuse", resources=(SLOT, PATIENT))
SENT = replace(
    WHOLE,
    id="sent",
    path="/in",
    resources=(BOOKING, replace(PATIENT, interactions=("transaction",))),
)


def his_answers(method, path, body):
    if path.startswith("/fhir/Slot?"):
        entry = {
            "fullUrl": "http://his.lan/fhir/Slot/1",
            "resource": {"resourceType": "Slot", "id": "1", "comment": "x"},
        }
        return 200, json.dumps(
            {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry]}
        ).encode()
    if method == "GET":
        said = {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": "not-found", "diagnostics": "SQL"}],
        }
        return 404, json.dumps(said).encode()
    return 201, body


def test_read_search_create_and_transaction(world):
    his = world.receiver("int", his_answers)
    world.issue(ASKED, SENT)
    world.start()
    found = world.ask("ext", "GET", "/fhir/Slot?status=free")
    assert found.json["entry"] == [{"resource": {"resourceType": "Slot", "id": "1"}}]
    missing = world.ask("ext", "GET", "/fhir/Patient/p1")
    assert (missing.status, missing.json) == (
        404, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]},
    )  # fmt: skip
    patient = {"resourceType": "Patient", "name": [{"text": "李"}], "multipleBirthInteger": 2}
    assert world.ask("ext", "POST", "/fhir/Patient", patient).status == 201
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "resource": patient, "request": {"method": "POST", "url": "Patient"}},
        {"resource": {"resourceType": "Appointment", "status": "proposed"}, "request": {"method": "POST", "url": "Appointment"}},
    ]}  # fmt: skip
    reply = world.ask("ext", "POST", "/in", sent)
    assert (reply.status, reply.json["resourceType"]) == (202, "OperationOutcome")
    world.until(lambda: len(his.got) == 4)
    assert [path for path, *_ in his.got] == [
        "/fhir/Slot?status=free",
        "/fhir/Patient/p1",
        "/fhir/Patient",
        "/in",
    ]
    assert json.loads(his.got[3][2]) == sent
    refused = {
        "gateway.no_channel": world.ask("ext", "PUT", "/fhir/Patient/p1", patient),
        "gateway.query_refused": world.ask("ext", "GET", "/fhir/Slot?_include=Slot:schedule"),
        "gateway.body_refused": world.ask("ext", "POST", "/fhir/Patient", {**patient, "hack": 1}),
        "gateway.personal_number": world.ask("ext", "POST", "/fhir/Patient", {**patient, "name": [{"text": "13800138000"}]}),
        "gateway.malware": world.ask("ext", "POST", "/fhir/Patient", {**patient, "photo": [{"data": b64encode(EICAR).decode()}]}),
    }  # fmt: skip
    for code, said in refused.items():
        assert said.json["code"] == code, said.body
        assert said.status >= 400
    assert {refused[c].json["resourceType"] for c in list(refused)[1:]} == {"OperationOutcome"}
    assert len(his.got) == 4
