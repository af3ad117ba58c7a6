"""FHIR channels: which requests they mean, what crosses, and what the asker is told."""

import json

import pytest

from network.gateway.protocols.fhir import Fhir
from network.gateway.refusals import BodyRefused, FarSideFailed, QueryRefused
from tests.unit.network.fhir_channel import (
    BOOKED,
    CHANNEL,
    ID,
    LI,
    UUID,
    answered,
    ask,
    bundle,
    entry,
)


@pytest.fixture(scope="module")
def plan():
    return Fhir().plan(CHANNEL)


@pytest.mark.parametrize(
    ("method", "target", "kind", "anew"),
    [
        ("GET", "/fhir/Slot/s1", "read Slot", "/fhir/Slot/s1"),
        ("GET", "/fhir/Slot?status=free&date=ge2026-11-30", "search Slot", "/fhir/Slot?status=free&date=ge2026-11-30"),
        ("GET", "/fhir/Slot/?status=%66ree", "search Slot", "/fhir/Slot?status=free"),
    ],
)  # fmt: skip
def test_what_is_read_is_asked_anew(plan, method, target, kind, anew):
    crossing = ask(plan, method, target)
    assert (crossing.kind, crossing.method, crossing.target, crossing.body) == (
        kind,
        method,
        anew,
        b"",
    )


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/fhir/Appointment/a"), ("POST", "/fhir/Slot"), ("PUT", "/fhir/Patient/p1"), ("DELETE", "/fhir/Patient/p1"),
        ("GET", "/fhir"), ("GET", "/fhir/metadata"), ("GET", "/fhir/Observation"), ("GET", "/fhir/Patient/p1/_history"),
        ("GET", "/fhir/Patient/$everything"), ("GET", "/fhir/Patient/../Slot"),
        ("GET", "/fhir/Patient/.."), ("GET", "/fhir/Patient/./"), ("GET", "/fhir/Patient/../"), ("GET", "/fhirx/Slot"), ("GET", "/Slot"),
        ("POST", "/fhir/Patient/p1"), ("POST", "/fhir/Patient?x=1"), ("POST", "/fhir/Patient/_search"), ("GET", "/fhir/Slot/s?status=free"),
        ("GET", "/fhir/Slot%2Fs1"), ("HEAD", "/fhir/Slot"), ("GET", "/fhir//Slot"), ("GET", "//fhir/Slot"),
    ],
)  # fmt: skip
def test_default_deny(plan, method, target):
    assert ask(plan, method, target) is None


@pytest.mark.parametrize(
    "query", ["name=x", "status=free&_include=Slot:schedule", "date=%00", "status:not=free", "="]
)
def test_a_parameter_must_be_listed_and_lawful(plan, query):
    with pytest.raises(QueryRefused):
        ask(plan, "GET", f"/fhir/Slot?{query}")


def test_a_read_takes_no_body(plan):
    with pytest.raises(BodyRefused):
        ask(plan, "GET", "/fhir/Slot", b"{}")


def test_a_read_returns_what_was_asked_for_and_nothing_else(plan):
    asked = ask(plan, "GET", "/fhir/Slot/s1")
    slot = {
        "resourceType": "Slot",
        "id": "s1",
        "status": "free",
        "comment": "internal",
        "start": "2026-11-30T09:00:00Z",
    }
    crossing = answered(plan, asked, slot, key='W/"3"')
    assert json.loads(crossing.body) == {k: v for k, v in slot.items() if k != "comment"}
    assert (crossing.dropped, crossing.key, crossing.status, crossing.kind) == (
        1,
        'W/"3"',
        200,
        "answer to read Slot",
    )
    for other in (
        {**slot, "id": "s2"},
        {**slot, "resourceType": "Patient"},
        {"resourceType": "Bundle"},
    ):
        with pytest.raises(BodyRefused):
            answered(plan, asked, other)


def test_a_search_result_is_made_anew(plan):
    asked = ask(plan, "GET", "/fhir/Slot?status=free")
    slot = {"resourceType": "Slot", "id": "s1", "status": "free", "comment": "x"}
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "too-costly", "diagnostics": "SQL"}],
    }
    bundle = {
        "resourceType": "Bundle", "id": "b", "type": "searchset", "total": 2,
        "link": [{"relation": "self", "url": "http://his.lan:8080/fhir/Slot?status=free"}],
        "entry": [
            {"fullUrl": "http://his.lan/fhir/Slot/s1", "resource": slot, "search": {"mode": "match", "score": 1}},
            {"fullUrl": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "resource": LI, "search": {"mode": "include"}},
            {"resource": outcome, "search": {"mode": "outcome"}},
        ],
    }  # fmt: skip
    crossing = answered(plan, asked, bundle)
    assert json.loads(crossing.body) == {
        "resourceType": "Bundle", "type": "searchset", "total": 2,
        "link": [{"relation": "self", "url": "/fhir/Slot?status=free"}],
        "entry": [
            {"resource": {"resourceType": "Slot", "id": "s1", "status": "free"}, "search": {"mode": "match"}},
            {"fullUrl": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "resource": LI, "search": {"mode": "include"}},
            {"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "too-costly"}]},
             "search": {"mode": "outcome"}},
        ],
    }  # fmt: skip
    assert b"his.lan" not in crossing.body
    assert (crossing.found, crossing.dropped) == ("", 5)
    for spoilt in (
        {**bundle, "type": "history"}, {**bundle, "total": -1}, {**bundle, "entry": {}}, {**bundle, "entry": [{}]}, LI,
        {**bundle, "entry": [{"resource": {"resourceType": "Observation"}}]},
        {**bundle, "entry": [{"resource": {"resourceType": "Appointment", "status": "proposed"}}]},
    ):  # fmt: skip
        with pytest.raises(BodyRefused):
            answered(plan, asked, spoilt)


def test_the_way_to_another_page_is_made_anew_or_left_out(plan):
    asked = ask(plan, "GET", "/fhir/Slot?status=free")
    links = [
        {"relation": "next", "url": "http://his.lan:8080/app/fhir/Slot?status=free&date=ge2026-12-01"},
        {"relation": "self", "url": "http://his.lan:8080/app/fhir/Slot?status=free&_count=2"},
        {"relation": "last", "url": "http://his.lan:8080/app/fhir?_getpages=1"},
        {"relation": "first", "url": "http://his.lan/fhir/Patient?identifier=1"},
        {"relation": "help", "url": "http://his.lan/fhir/Slot?status=free"}, {"relation": ["next"]}, 1,
    ]  # fmt: skip
    crossing = answered(plan, asked, {"resourceType": "Bundle", "type": "searchset", "link": links})
    anew = "/fhir/Slot?status=free&date=ge2026-12-01"
    assert json.loads(crossing.body)["link"] == [{"relation": "next", "url": anew}]
    assert ask(plan, "GET", anew).target == anew
    asked = ask(plan, "GET", f"/fhir/Patient?identifier={ID}")
    url = f"http://his.lan/fhir/Patient?identifier={ID}"
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": url}],
    }
    assert answered(plan, asked, bundle).found == ""
    assert answered(
        plan, asked, {**bundle, "entry": [{"resource": {**LI, "name": [{"text": ID}]}}]}
    ).found


def test_a_creation_is_told_its_new_place(plan):
    asked = ask(plan, "POST", "/fhir/Patient", LI)
    assert json.loads(asked.body) == LI
    where = "http://his.lan:8080/app/fhir/Patient/77/_history/1"
    crossing = answered(plan, asked, b"", 201, target=where, key='W/"1"')
    assert (crossing.status, crossing.target, crossing.key) == (
        201,
        "/fhir/Patient/77/_history/1",
        'W/"1"',
    )
    for odd in (
        "http://his/fhir/Slot/77",
        "http://his/fhir/Patient/..",
        "javascript:alert(1)",
        "x" * 3000,
    ):
        assert answered(plan, asked, b"", 201, target=odd, key='"\r\n"').target == ""
    assert answered(plan, asked, b"", 201, key='x"y').key == ""
    assert json.loads(answered(plan, asked, {**LI, "id": "77"}, 201).body)["id"] == "77"
    with pytest.raises(BodyRefused):
        answered(plan, asked, {"resourceType": "Slot"}, 201)


@pytest.mark.parametrize("status", [400, 404, 409, 410, 412, 422])
def test_a_server_s_no_is_reduced_to_codes(plan, status):
    asked = ask(plan, "GET", "/fhir/Slot/s1")
    told = {"resourceType": "OperationOutcome", "text": {"status": "x", "div": "<div>trace</div>"}, "issue": [
        {"severity": "error", "code": "not-found", "diagnostics": "java.sql…", "expression": ["Slot.id", "<b>"]}]}  # fmt: skip
    crossing = answered(plan, asked, told, status)
    assert crossing.status == status
    assert json.loads(crossing.body) == {
        "resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found", "expression": ["Slot.id"]}],
    }  # fmt: skip
    for odd in (b"", b"<html>", {"issue": 1}, {"issue": [1]}):
        try:
            body = json.loads(answered(plan, asked, odd, status).body)
        except BodyRefused:
            continue
        assert body["issue"] == [{"severity": "error", "code": "processing"}]


@pytest.mark.parametrize("status", [100, 302, 401, 403, 500, 503])
def test_other_statuses_are_the_far_side_s_failure(plan, status):
    with pytest.raises(FarSideFailed):
        answered(
            plan, ask(plan, "GET", "/fhir/Slot/s1"), {"resourceType": "Slot", "id": "s1"}, status
        )


@pytest.mark.parametrize("target", ["/fhir", "/fhir/"])
def test_a_transaction_is_made_anew_entry_by_entry(plan, target):
    sent = bundle({"fullUrl": UUID, **entry(LI, ifNoneExist=f"identifier={ID}")}, entry(BOOKED))
    crossing = ask(plan, "POST", target, {**sent, "id": "x", "meta": {"tag": []}})
    assert json.loads(crossing.body) == bundle(
        {"fullUrl": UUID, **entry(LI, ifNoneExist=f"identifier={ID}")},
        entry(
            {
                "resourceType": "Appointment",
                "status": "proposed",
                "participant": [{"actor": {"reference": UUID}}],
            }
        ),
    )
    assert (crossing.kind, crossing.target, crossing.dropped) == ("transaction", "/fhir", 5)


@pytest.mark.parametrize(
    "sent",
    [
        bundle(), bundle(kind="document"), LI, bundle({}), bundle(1), {**bundle(), "entry": None},
        bundle(entry(LI, "Patient/p1", "PUT")), bundle(entry(LI, "Patient/p1", "DELETE")), bundle(entry(LI, "Slot")),
        bundle(entry(LI, "Patient?x=1")), bundle(entry(LI, "http://his/fhir/Patient")), bundle({"resource": LI}),
        bundle({"request": {"method": "GET", "url": "Patient"}}), bundle(entry({"resourceType": "Slot"})),
        bundle(entry({"resourceType": "Bundle", "type": "batch"})), bundle(entry(LI, ifNoneExist="name=x")),
        bundle(entry({**LI, "hack": 1})), bundle(entry({**BOOKED, "status": "booked"})), bundle(entry(LI), kind=["batch"]),
    ],
)  # fmt: skip
def test_a_transaction_that_does_more_is_refused(plan, sent):
    with pytest.raises((BodyRefused, QueryRefused)):
        ask(plan, "POST", "/fhir", sent)


def test_the_path_of_a_wrong_entry_is_told(plan):
    with pytest.raises(BodyRefused) as refused:
        ask(plan, "POST", "/fhir", bundle(entry(BOOKED), entry({**LI, "name": [{"x": 1}]})))
    assert refused.value.fields["path"] == "$.entry[1].resource.name[0].x"


def test_the_answer_to_a_transaction_is_made_anew(plan):
    asked = ask(plan, "POST", "/fhir", bundle(entry(LI)))
    said = {
        "status": "201 Created",
        "location": "http://his.lan/fhir/Patient/9/_history/1",
        "etag": 'W/"1"',
        "x": 1,
    }
    crossing = answered(plan, asked, {"resourceType": "Bundle", "type": "transaction-response", "entry": [
        {"resource": LI, "response": said}]})  # fmt: skip
    assert json.loads(crossing.body)["entry"] == [
        {"response": {"status": "201", "location": "/fhir/Patient/9/_history/1", "etag": 'W/"1"'}}
    ]
    with pytest.raises(BodyRefused):
        answered(plan, asked, bundle(entry(LI)))


def test_contained_resources_keep_the_rule_of_their_type(plan):
    patient = {
        **LI,
        "contained": [
            {"resourceType": "Appointment", "id": "c", "status": "proposed", "comment": "x"}
        ],
    }
    crossing = ask(plan, "POST", "/fhir/Patient", patient)
    assert json.loads(crossing.body)["contained"] == [
        {"resourceType": "Appointment", "status": "proposed"}
    ]
    assert crossing.dropped == 2
    for other in ({"resourceType": "Observation"}, {"id": "x"}, 1):
        with pytest.raises(BodyRefused):
            ask(plan, "POST", "/fhir/Patient", {**LI, "contained": [other]})


def test_another_type_than_the_address_says_is_refused(plan):
    with pytest.raises(BodyRefused):
        ask(plan, "POST", "/fhir/Patient", BOOKED)
