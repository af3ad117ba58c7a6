"""FHIR channels: personal numbers, the store lane, and the laws of a channel."""

import json
from dataclasses import replace

import pytest

from network.gateway.channel import Resource
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import Field
from network.gateway.protocols.fhir import Fhir
from network.gateway.refusals import BodyRefused, NoChannel
from tests.unit.network.fhir_channel import (
    BOOKING,
    CHANNEL,
    ID,
    LI,
    PATIENT,
    PHONE,
    SLOT,
    STORE,
    ask,
    bundle,
    entry,
)


@pytest.fixture(scope="module")
def plan():
    return Fhir().plan(CHANNEL)


# Personal numbers


def patient(**more):
    return {**LI, **more}


def test_a_number_passes_where_it_is_declared_and_is_found_elsewhere(plan):
    assert ask(plan, "POST", "/fhir/Patient", LI).found == ""
    told = patient(name=[{"text": f"李 {ID}"}], contact=[{"telecom": [{"value": PHONE}]}])
    crossing = ask(plan, "POST", "/fhir/Patient", told)
    assert crossing.found == "id-card:1,phone:1"
    assert json.loads(crossing.body) == told  # the guard refuses it, or records it
    inside = patient(contained=[patient()])
    assert ask(plan, "POST", "/fhir/Patient", inside).found == ""


def test_a_declared_mask_is_applied_in_a_whole_resource(plan):
    crossing = ask(
        plan, "POST", "/fhir/Patient", patient(telecom=[{"value": PHONE}, {"use": "home"}])
    )
    assert json.loads(crossing.body)["telecom"] == [{"value": "138****8000"}, {"use": "home"}]
    assert (crossing.masked, crossing.found) == (1, "")


def test_what_is_not_declared_can_be_masked():
    plan = Fhir().plan(replace(CHANNEL, leak="mask"))
    crossing = ask(
        plan,
        "POST",
        "/fhir/Patient",
        patient(name=[{"text": f"李 {ID}"}], address=[{"line": [PHONE]}]),
    )
    body = json.loads(crossing.body)
    assert (body["name"][0]["text"], body["address"][0]["line"]) == (
        f"李 110105{'*' * 12}",
        ["138****8000"],
    )
    assert body["identifier"] == LI["identifier"]
    assert (crossing.masked, crossing.found) == (2, "id-card:1,phone:1")
    assert plan.again(crossing.body) == crossing.body
    with pytest.raises(BodyRefused):  # a number cannot be masked and stay a number
        ask(
            plan,
            "POST",
            "/fhir/Patient",
            patient(extension=[{"url": "u", "valueDecimal": int(PHONE)}]),
        )


@pytest.mark.parametrize(
    "told",
    [
        "&#49;&#x33;800138000",
        "138&nbsp;0013&nbsp;8000",
        "138<b>0013</b>8000",
        "1<!-- -->3800138000",
        "138 <i/>0013<span> 8000</span>",
        "138&#8203;00138000",
        "138\n  0013\n  8000",
    ],
)
def test_a_number_that_only_a_reader_of_a_narrative_sees_is_found(plan, told):
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'}
    assert ask(plan, "POST", "/fhir/Patient", patient(text=text)).found == "phone:1"
    masks = Fhir().plan(replace(CHANNEL, leak="mask"))
    with pytest.raises(BodyRefused, match="personal number"):
        ask(masks, "POST", "/fhir/Patient", patient(text=text))


def test_numbers_in_neighbouring_cells_are_none(plan):
    row = "<table><tr><td>138</td><td>0013</td><td>8000</td></tr></table>"
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{row}</div>'}
    assert ask(plan, "POST", "/fhir/Patient", patient(text=text)).found == ""


def test_a_number_in_a_query_may_be_what_the_type_carries(plan):
    assert ask(plan, "GET", f"/fhir/Patient?identifier={ID}").found == ""
    assert ask(plan, "GET", f"/fhir/Slot?status={ID}").found == "id-card:1"
    assert ask(plan, "GET", f"/fhir/Slot/{ID}").found == "id-card:1"
    assert ask(plan, "GET", f"/fhir/Patient/{ID}").found == ""


def test_an_attachment_is_decoded_and_looked_into(plan):
    text = __import__("base64").b64encode(f"电话 {PHONE}".encode()).decode()
    crossing = ask(
        plan, "POST", "/fhir/Patient", patient(photo=[{"contentType": "text/plain", "data": text}])
    )
    assert crossing.attachments == (f"电话 {PHONE}".encode(),)
    assert crossing.found == "phone:1"


# The store lane


def test_a_stored_message_knows_where_it_goes():
    plan = Fhir().plan(STORE)
    for target, body, where in (
        ("/fhir/Patient", LI, "/fhir/Patient"),
        ("/fhir", bundle(entry(LI)), "/fhir"),
    ):
        crossing = ask(plan, "POST", target, body, key="k")
        call = plan.call(crossing.body)
        assert (crossing.target, call.target, call.body, call.method, crossing.key) == (
            where,
            where,
            crossing.body,
            "POST",
            "k",
        )
        assert plan.again(crossing.body) == crossing.body
    narrow = Fhir().plan(replace(STORE, resources=(BOOKING,)))
    with pytest.raises(BodyRefused):
        narrow.again(json.dumps(LI).encode())


def test_a_whole_bundle_is_no_way_around_a_transaction():
    plan = Fhir().plan(
        replace(STORE, resources=(*STORE.resources, Resource("Bundle", ("create",), whole=True)))
    )
    collection = bundle({"resource": LI}, kind="collection")
    assert json.loads(ask(plan, "POST", "/fhir/Bundle", collection).body) == collection
    with pytest.raises(BodyRefused):
        ask(plan, "POST", "/fhir/Bundle", bundle(entry(LI)))
    with pytest.raises(BodyRefused):
        ask(
            plan,
            "POST",
            "/fhir/Bundle",
            bundle({"resource": {"resourceType": "Observation"}}, kind="collection"),
        )


@pytest.mark.parametrize(
    ("status", "code", "body", "end"),
    [
        (201, "", b"", "delivered"), (200, "", b"{}", "delivered"), (422, "", b"", "dead"), (400, "", b"", "dead"),
        (503, "", b"", "again"), (404, "", b"", "again"), (429, "", b"", "again"), (0, "late", b"", "again"),
        (200, "", b'{"type":"batch-response","entry":[{"response":{"status":"201"}}]}', "delivered"),
        (200, "", b'{"type":"batch-response","entry":[{"response":{"status":"201"}},{"response":{"status":"422 x"}}]}', "dead"),
        (200, "", b'{"type":"transaction-response","entry":[{}]}', "dead"),
        (200, "", b'{"type":"transaction-response",', "dead"),
    ],
)  # fmt: skip
def test_what_a_receiver_s_answer_means(status, code, body, end):
    outcome = (
        Fhir()
        .plan(STORE)
        .outcome(b"{}", Frame(Kind.RESULT, 1, status=status, code=code, body=body))
    )
    assert outcome.end == end
    assert outcome.why or end == "delivered"


def test_the_answers_speak_fhir():
    content = Fhir()
    reply = content.plan(STORE).accepted(Frame(Kind.ASK, 1), "d1")
    assert (reply.status, json.loads(reply.body)["id"]) == (202, "d1")
    assert json.loads(reply.body)["resourceType"] == "OperationOutcome"
    said = json.loads(content.refused(Frame(Kind.ASK, 1), NoChannel()).body)
    assert said["issue"][0]["details"]["coding"][0]["code"] == said["code"] == "gateway.no_channel"
    assert said["message"]["zh"] in said["issue"][0]["details"]["text"]


# Laws of a channel


@pytest.mark.parametrize(
    "changed",
    [
        {"path": ""}, {"resources": ()}, {"method": "GET"}, {"request": (Field("a", "string"),)}, {"types": ("ADT^A01",)},
        {"resources": (SLOT, SLOT)}, {"resources": (replace(SLOT, type="Slots"),)}, {"resources": (replace(SLOT, type="HumanName"),)},
        {"resources": (replace(SLOT, interactions=()),)}, {"resources": (replace(SLOT, fields=()),)},
        {"resources": (replace(SLOT, params=("a b",)),)}, {"lane": "store"},
        *({"resources": (replace(PATIENT, whole=False, fields=(one,)),)} for one in (
            Field("identifer[].value", "string"), Field("identifier.value", "string"), Field("identifier[]", "string"),
            Field("active", "string"), Field("name[].family", "boolean"), Field("multipleBirthInteger", "decimal"),
            Field("deceased", "boolean"), Field("text.div", "string"), Field("name[].family.x", "string"),
            Field("birthDate", "date", mask="phone"), Field("id", "string", mask="nobody"), Field("id", "id", mask="all"),
            Field("id", "id", carries=("car",)), Field("photo[].data", "string"),
        )),
    ],
)  # fmt: skip
def test_a_channel_that_breaks_a_law_is_none(changed):
    with pytest.raises(ValueError, match=r"."):
        Fhir().plan(replace(CHANNEL, **changed))


def test_fields_are_of_r4():
    fields = (
        Field("multipleBirthInteger", "positiveInt"), Field("photo[].data", "base64Binary"), Field("text.status", "code"),
        Field("contained[].resourceType", "code"), Field("contained[].anything", "string"), Field("resourceType", "code"),
        Field("extension[].valueDecimal", "decimal"), Field("birthDate", "date", mask="birth-year"),
    )  # fmt: skip
    plan = Fhir().plan(replace(CHANNEL, resources=(replace(PATIENT, whole=False, fields=fields),)))
    told = {
        "resourceType": "Patient",
        "birthDate": "1990-03-07",
        "contained": [{"resourceType": "Slot", "anything": "x", "id": "q"}],
    }
    crossing = ask(plan, "POST", "/fhir/Patient", told)
    assert json.loads(crossing.body) == {
        "resourceType": "Patient",
        "birthDate": "1990",
        "contained": [{"resourceType": "Slot", "anything": "x"}],
    }


EXTENSION = '{"url":"u","extension":['


@pytest.mark.parametrize(
    "told",
    [
        '"active":true,"active":false', '"name":[{"text":"a","text":"b"}]', '"name":[{"text":"a","te\\u0078t":"\\":"}]',
        '"contained":[{"resourceType":"Patient","active":true,"active" :true}]', '"_active":{"id":"a","id":"b"}',
        '"extension":[' + EXTENSION * 40 + '{"url":"v","valueCode":"c"}' + "]}" * 40 + "]",
        '"contained":[{"resourceType":"Patient",' * 70 + '"active":true' + "}]" * 70,
        '"contained":[{"resourceType":"Patient",' * 300 + '"active":true' + "}]" * 300,
    ],
)  # fmt: skip
def test_a_whole_resource_has_no_key_twice_and_no_bottom_too_deep(told):
    whole = replace(PATIENT, fields=())
    for resources in ((whole,), (whole, SLOT)):  # the quick way, and the other
        plan = Fhir().plan(replace(CHANNEL, resources=resources))
        body = f'{{"resourceType":"Patient",{told}}}'.encode()
        with pytest.raises(BodyRefused):
            ask(plan, "POST", "/fhir/Patient", body)
        assert (
            ask(
                plan, "POST", "/fhir/Patient", b'{"resourceType":"Patient","language":"\\":"}'
            ).dropped
            == 0
        )


def test_a_concept_of_the_message_is_nobody_s_number(plan):
    code = "443051000124104"  # has also the form of a 15-digit identity card
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": code}], "text": f"{code} diet"}
    assert ask(plan, "POST", "/fhir/Patient", {**LI, "maritalStatus": coded}).found == ""
    uncoded = {"coding": [{"system": "http://x", "code": code}], "text": f"{code} diet"}
    assert ask(plan, "POST", "/fhir/Patient", {**LI, "maritalStatus": uncoded}).found == "id-card:2"
    smuggled = {"coding": [{"system": "http://snomed.info/sct", "code": ID}]}
    assert (
        ask(plan, "POST", "/fhir/Patient", {**LI, "maritalStatus": smuggled}).found == "id-card:1"
    )
