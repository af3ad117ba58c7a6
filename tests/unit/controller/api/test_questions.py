"""People's part over the API: who may, what is refused, attachments in and out, what a caller finds again."""

import hashlib

import pytest
from sqlalchemy import select

from appliance import chance, clock
from controller.records.answers import content_digest
from controller.records.assessment import ComplianceStatement
from controller.records.session import reading, transaction
from controller.records.tables import ComplianceRun, Job

TYPE = {"Content-Type": "application/vnd.hbox.attachment"}
NOBODYS = "00000000-0000-4000-8000-000000000000"
ANSWER = {
    "item": "8.1.1.1.a", "subject": "person:site", "verdict": "conform", "record": "看过验收文件",
    "review_by": clock.now().date().isoformat(),
}  # fmt: skip


@pytest.fixture(scope="module")
def people(site):
    return {name: site.administrator(f"{name}admin") for name in ("sys", "sec", "aud")}


def test_every_question_has_the_requirement_the_way_to_answer_and_its_layer(people):
    items = people["aud"].get("/compliance/questions").json["items"]
    layers = {one["layer"] for one in items}
    assert {"8.1.1", "8.1.6", "8.1.10", "8.2.4", "risks", "IH-1"} <= layers
    assert all(one["text"]["zh"] and one["how"]["zh"] and one["state"] == "open" for one in items)
    assert len({(one["item"], one["subject"]) for one in items}) == len(items)
    only = people["aud"].get("/compliance/questions?layer=8.1.6&state=open").json["items"]
    assert {one["layer"] for one in only} == {"8.1.6"}
    assert len(only) == sum(one["layer"] == "8.1.6" for one in items)


def test_an_answer_with_its_attachment_is_submitted_as_it_was_given(site, people):
    data = b"%PDF-1.7 acceptance"
    held = people["sys"].ask("POST", "/api/v1/compliance/attachments", raw=data, headers=TYPE)
    assert held.status == 201
    assert held.json["digest"] == hashlib.sha256(data).hexdigest()
    files = [{"name": "验收.pdf", **held.json}]
    got = people["sys"].post("/compliance/answers", {**ANSWER, "attachments": files})
    assert (got.status, got.json["kind"]) == (202, "compliance.answer")
    with reading(site.controller.engine) as session:
        job = session.get(Job, got.json["id"])
    assert job.action["attachments"].count(held.json["digest"]) == 1
    assert job.action["record"] == "看过验收文件"


@pytest.mark.parametrize(
    ("who", "path", "body", "status"),
    [
        ("aud", "/compliance/answers", ANSWER, 403),
        ("aud", "/compliance/waivers", {}, 403),
        ("sys", f"/compliance/answers/{NOBODYS}/approve", {"digest": "0" * 64}, 403),
        ("sec", f"/compliance/waivers/{NOBODYS}/approve", {"digest": "0" * 64}, 403),
        ("aud", f"/compliance/answers/{NOBODYS}/approve", {"digest": "0" * 64}, 404),
        ("sec", "/compliance/objects", {}, 403),
        ("sys", "/compliance/options", {}, 403),
        ("sys", "/compliance/schedule", {"days": 7}, 403),
        ("sec", "/compliance/schedule", {"days": 91}, 400),
        ("sys", "/compliance/answers", {**ANSWER, "verdict": "unknown"}, 400),
        ("sys", "/compliance/answers", {**ANSWER, "review_by": "2099-01-01"}, 400),
        ("sys", "/compliance/answers", {**ANSWER, "review_by": "2026-02-31"}, 400),
        ("sys", "/compliance/answers", {**ANSWER, "record": " "}, 400),
        ("sys", "/compliance/answers", {**ANSWER, "record": "a\x1b[31m"}, 400),
        ("sys", "/compliance/answers", {**ANSWER, "item": "9.9.9"}, 404),
        ("sys", "/compliance/answers", {**ANSWER, "subject": "person:other"}, 404),
        ("aud", "/compliance/options", {"key": "hbox-2025-1.partial", "value": "all"}, 400),
        ("aud", "/compliance/options", {"key": "hbox-2025-1.nothing", "value": "x"}, 400),
        ("sys", "/compliance/objects", {"kind": "boundary", "name": "gateway", "what": "x"}, 409),
        ("sys", "/compliance/objects", {"kind": "boundary", "name": "../x", "what": "x"}, 400),
        (
            "sys",
            "/compliance/objects",
            {"kind": "boundary", "name": "fw", "what": "x", "applies_to": ["9.9"]},
            400,
        ),
    ],
)
def test_what_is_not_theirs_or_cannot_be_is_refused(people, who, path, body, status):
    assert people[who].post(path, body).status == status


@pytest.fixture
def held(site):
    """A statement that waits, as the worker writes it, with one attachment."""
    data = b"proof"
    seen = hashlib.sha256(data).hexdigest()
    folder = site.controller.settings.state / "attachments"
    folder.mkdir(exist_ok=True)
    (folder / seen).write_bytes(data)
    row = ComplianceStatement(
        id=chance.new_id(), item="8.1.6.1.a", subject="person:site", verdict="conform", record="制度汇编",
        review_by="2027-01-01", attachments=[{"name": "a.pdf", "size": 5, "sha256": seen}],
        asked_by="sysadmin", asked_at=clock.iso(), approved_by="", approved_at="", state="asked",
        comment="", seal="",
    )  # fmt: skip
    row.digest = content_digest(row)
    with transaction(site.controller.engine) as session:
        session.add(row)
    yield row.id, row.digest, seen
    with transaction(site.controller.engine) as session:
        session.delete(session.scalar(select(ComplianceStatement)))


def test_a_statement_waits_at_its_question_and_is_approved_by_its_digest(people, held):
    paper, digest, _ = held
    asked = "/compliance/questions?item=8.1.6.1.a&subject=person:site"
    [one] = people["sec"].get(asked).json["items"]
    assert (one["state"], one["waiting"]["id"], one["approved"]) == ("waits", paper, None)
    address = f"/compliance/answers/{paper}"
    assert people["aud"].post(f"{address}/approve", {"digest": "0" * 64}).status == 409
    got = people["aud"].post(f"{address}/approve", {"digest": digest})
    assert (got.status, got.json["kind"]) == (202, "compliance.answer.approve")
    [shown] = people["sec"].get("/compliance/answers?item=8.1.6.1.a").json["items"]
    assert shown["attachments"][0]["name"] == "a.pdf"
    assert people["sec"].post(f"{address}/withdraw", {"comment": ""}).status == 400


def test_an_attachment_is_downloaded_and_never_opened_by_a_browser(people, held):
    got = people["aud"].get(f"/compliance/attachments/{held[2]}")
    assert (got.status, got.data) == (200, b"proof")
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["content-type"] == "application/octet-stream"
    assert people["aud"].get(f"/compliance/attachments/{'0' * 64}").status == 404
    assert people["aud"].get("/compliance/attachments/passwd").status == 404


def test_an_attachment_that_is_too_large_is_refused(people, monkeypatch):
    monkeypatch.setattr("controller.api.questions.FILE_LIMIT", 10)
    got = people["sys"].ask("POST", "/api/v1/compliance/attachments", raw=b"x" * 11, headers=TYPE)
    assert got.status == 413


def test_every_option_is_shown_with_what_is_taken_and_why_it_is_open(people):
    items = people["sys"].get("/compliance/options").json["items"]
    assert {"hbox-2025-1.partial", "hbox-risk-1.availability"} <= {one["key"] for one in items}
    assert all(one["taken"] in one["choices"] and one["why"]["zh"] for one in items)
    assert people["sys"].get("/compliance/schedule").json == {"days": 0, "hour": 0, "by": ""}
    got = people["sec"].post("/compliance/schedule", {"days": 7, "hour": 3})
    assert (got.status, got.json["kind"]) == (202, "compliance.schedule.set")


def test_two_runs_that_are_not_there_cannot_be_compared(people):
    got = people["aud"].get("/compliance/runs/x/differences/last")
    assert got.status == 404


@pytest.mark.parametrize("left", [None, b"prooF"])
def test_an_attachment_that_is_gone_or_changed_is_never_given_out(site, people, held, left):
    path = site.controller.settings.state / "attachments" / held[2]
    path.unlink() if left is None else path.write_bytes(left)
    got = people["aud"].get(f"/compliance/attachments/{held[2]}")
    assert (got.status, got.code) == (503, "compliance.attachment_lost")


def test_the_questions_are_there_without_the_reports_that_restored_records_lack(site, people):
    every = people["sys"].get("/compliance/questions").json["items"]
    row = ComplianceRun(
        id=chance.new_id(), at=clock.iso(), seconds=1, ruleset="r", digest="ab" * 32,
        json_path="/nowhere/r.json", html_path="/nowhere/r.html", summary={},
    )  # fmt: skip
    with transaction(site.controller.engine) as session:
        session.add(row)
    try:
        got = people["sys"].get("/compliance/questions")
    finally:
        with transaction(site.controller.engine) as session:
            session.delete(session.get(ComplianceRun, row.id))
    assert got.status == 200
    assert got.json["items"] == every
