"""A look into a body: opened by the worker alone, masked, sealed for the asker, nowhere in clear."""

import json
import sqlite3

import pytest

from appliance.errors import BadInput, NotFound
from appliance.onetime import NotForThisKey, Opener
from controller.actions.supervision import LookBody, NoBody
from controller.records.session import reading, transaction
from controller.workers import looks
from controller.workers.index import Index
from controller.workers.look_text import shown
from network.gateway.records import Facts
from tests.unit.controller.workers.exchange import JOB, job_row, journal, place, transfer

PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "欧阳", "given": ["测试"]}],
    "birthDate": "1990-03-07",
    "telecom": [{"system": "phone", "value": "13800138000"}],
    "identifier": [{"system": "urn:id", "value": "11010519491231002X"}],
    "active": True,
    "weight": 61.50,
}
BODY = json.dumps(PATIENT, ensure_ascii=False).encode()
HL7 = (
    "MSH|^~\\&|HIS|H|GW|H|20261122||ADT^A01|M1|P|2.5\rPID|1||B0012345^^^MR||欧阳^测试||19900307|F\r"
)
SECRETS = ("欧阳", "测试", "13800138000", "11010519491231002X", "1990-03-07", "B0012345")


@pytest.fixture
def site(tmp_path):
    made = place(tmp_path)
    book = journal(made)
    accepted = Facts("accepted", channel="booking", side="extranet", delivery="d1")
    book.append(accepted, BODY)
    book.append(Facts("request", channel="read", side="extranet", delivery="d2"), b"{}")
    book.append(Facts("answer", channel="read", delivery="d2"), HL7.encode("gb18030"))
    book.append(Facts("refused", side="extranet", rule="gateway.no_channel"))
    book.commit()
    Index(made).catch_up()
    job_row(made)
    return made


def look(site, opener, **more):
    held = {"number": 1, "part": "message", "clear": False, "reason": "患者投诉：预约丢失"} | more
    action = LookBody(**held, public_key=opener.public)
    with reading(site.engine) as session:
        action.check(session)
    said = []
    [step] = looks.look(action, site)
    step.do(said.append)
    return action, said


def opened(site, opener):
    sealed = (site.settings.state / "looks" / f"{JOB}.sealed").read_bytes()
    return json.loads(opener.open(sealed, looks.purpose(JOB)))


def test_a_look_is_masked_and_opens_for_the_asker_alone(site):
    asker = Opener()
    look(site, asker)
    told = opened(site, asker)
    assert told["form"] == "json"
    assert not any(secret in told["text"] for secret in SECRETS)
    assert '"resourceType": "Patient"' in told["text"]
    assert "欧" in told["text"]
    assert "1990" in told["text"]
    with pytest.raises(NotForThisKey):
        opened(site, Opener())


def test_in_clear_only_when_that_was_asked_and_the_audit_says_so(site):
    asker = Opener()
    action, _ = look(site, asker, clear=True)
    assert "13800138000" in opened(site, asker)["text"]
    assert action.audited() == {
        "part": "message",
        "clear": True,
        "reason": "患者投诉：预约丢失",
    }


def test_nothing_is_in_clear_in_database_log_or_file(site):
    _, said = look(site, Opener(), clear=True)
    sealed = (site.settings.state / "looks" / f"{JOB}.sealed").read_bytes()
    with transaction(site.engine):
        pass
    with sqlite3.connect(site.settings.state / "box.sqlite") as plain:
        dump = "\n".join(plain.iterdump())
    plain.close()
    for secret in SECRETS:
        assert secret.encode() not in sealed
        assert secret not in "".join(said) + dump
    assert (site.settings.state / "looks").stat().st_mode & 0o007 == 0
    assert ["chgrp", "hbox"] in [asked[:2] for asked in site.home.host.asked]


def test_the_answer_of_a_request_can_be_looked_at_too(site):
    asker = Opener()
    look(site, asker, number=2, part="answer")
    told = opened(site, asker)
    assert told["form"] == "hl7"
    assert told["text"].startswith("MSH|^~\\&|HIS")
    assert "PID|*||********^^^**||**^**||********|*" in told["text"]
    look(site, asker, number=2, part="answer", clear=True)
    assert "欧阳^测试" in opened(site, asker)["text"]


def test_what_was_refused_has_no_body_and_what_is_not_there_is_not_found(site):
    for more, error in (
        ({"number": 4}, NoBody),
        ({"part": "answer"}, NoBody),
        ({"number": 99}, NotFound),
    ):
        with pytest.raises(error):
            look(site, Opener(), **more)


@pytest.mark.parametrize("reason", ["", "short", "x" * 301, "line one\nline two"])
def test_without_a_reason_there_is_no_look(reason):
    with pytest.raises(BadInput):
        LookBody(1, "message", False, reason, "a" * 64)


def test_sealed_looks_go_after_ten_minutes(site, monkeypatch):
    look(site, Opener())
    looks.sweep(site)
    path = site.settings.state / "looks" / f"{JOB}.sealed"
    assert path.exists()
    monkeypatch.setattr(looks, "KEPT", -1.0)
    looks.sweep(site)
    assert not path.exists()


def test_forms_that_are_no_message_are_shown_as_what_they_are():
    assert shown(b"\x00\xff\xfe", clear=True) == ("binary", "3 bytes")
    assert shown("张三 13800138000".encode(), clear=False) == ("text", "********")
    assert transfer(1).number == 1
    form, text = shown(b'{"status": "13800138000", "display": "ok"}', clear=False)
    assert form == "json"
    assert "13800138000" not in text
    assert '"ok"' in text
