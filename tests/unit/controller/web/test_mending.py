"""Mending from the console: asked by who may, shown as a diff before it is confirmed, and taken back."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.errors import Text
from compliance.remedies import ADVICE
from controller.records import compared, mending
from controller.records.tables import Job

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def home(hospital):
    with Session(hospital.engine) as session:
        return mending.home(session)


@pytest.fixture
def mended(hospital, home):
    """A mending that succeeded and a dry run with a diff; gone afterwards."""
    shared = {
        "title_zh": "整改", "title_en": "Mend", "object": f"node/{home}", "actor": "secadmin", "role": "security",
        "locks": [], "audit_number": 0, "state": "succeeded", "created_at": clock.iso(), "started_at": clock.iso(), "finished_at": clock.iso(),
    }  # fmt: skip
    action = {"node": home, "remedies": "sshd_limits"}
    told = {"diff": f"-MaxAuthTries {HOSTILE}", "would_change": 1}
    made = Job(
        id=chance.new_id(), number=90001, kind="compliance.mend", action={**action, "seconds": 120},
        result={**told, "changed": {"/etc/x": "changed"}, "verdicts": {"sshd_limits": ["violated", "conform"]}}, **shared,
    )  # fmt: skip
    dry = Job(id=chance.new_id(), number=90002, kind="compliance.mend.plan", action=action, result=told, **shared)  # fmt: skip
    ids = (made.id, dry.id)
    with Session(hospital.engine) as session, session.begin():
        session.add_all([made, dry])
    yield ids
    with Session(hospital.engine) as session, session.begin():
        for job in session.scalars(
            select(Job).where(Job.kind.startswith("compliance.")).where(Job.number >= 90001)
        ):
            session.delete(job)


def newest(hospital) -> Job:
    with Session(hospital.engine) as session:
        return session.scalars(select(Job).order_by(Job.number.desc())).first()


def test_the_page_shows_remedies_advice_and_what_was_mended(reader, mended):
    text = reader("secadmin").get("/compliance/mending").get_data(as_text=True)
    assert "不符合的检查" in text
    assert "90001" in text
    assert f"/compliance/mending/{mended[0]}/undo" in text
    shown = set(re.findall(r'<article class="finding" id="(\w+)">', text))
    assert shown & set(ADVICE), "the sample report has findings that only a person mends"


def test_what_was_mended_after_the_run_waits_for_the_next_one(reader, mended, monkeypatch):
    held = [mending.Failing("sshd_limits", "violated", Text("原因在此", "why"))]
    monkeypatch.setattr("controller.records.mending.failing", lambda *_: held)
    text = reader("secadmin").get("/compliance/mending").get_data(as_text=True)
    assert "原因在此" in text
    others = text.count(" 上不符合的检查") - 1
    assert text.count("此后已整改") == 1, "on the node where it was mended"
    assert text.count('name="remedies" value="sshd_limits"') == others, "not there once more"


def test_where_no_run_can_be_read_the_page_does_not_say_that_all_is_well(reader, monkeypatch):
    def gone(*_):
        raise compared.ReportAway(what="", run="x", why="")

    monkeypatch.setattr("controller.records.mending.failing", gone)
    text = reader("secadmin").get("/compliance/mending").get_data(as_text=True)
    assert "没有不符合的检查" not in text
    assert "不知道有没有不符合项" in text


def test_where_mending_would_change_nothing_there_is_nothing_to_confirm(reader, hospital, mended):
    with Session(hospital.engine) as session, session.begin():
        dry = session.get(Job, mended[1])
        dry.result = {"diff": "", "would_change": 0}
    page = reader("secadmin").get(f"/compliance/mending/plans/{mended[1]}").get_data(as_text=True)
    assert "没有可改动的内容" in page
    assert "确认整改" not in page


def test_a_job_that_mended_leads_back_to_what_was_mended(reader, mended):
    text = reader("secadmin").get(f"/jobs/{mended[0]}").get_data(as_text=True)
    assert '<a href="/compliance/mending">' in text


def test_who_only_reads_gets_no_button(reader, mended):
    text = reader("assessor").get("/compliance/mending").get_data(as_text=True)
    assert "/undo" not in text
    assert 'action="/compliance/mending' not in text
    for path in (
        "/compliance/mending",
        "/compliance/mending/plan",
        f"/compliance/mending/{mended[0]}/undo",
    ):
        assert (
            reader("audadmin").post(path, {"node": "n", "remedies": "faillock"}).status_code == 403
        )


def test_a_mending_is_planned_seen_and_confirmed(reader, hospital, home, mended):
    asked = reader("secadmin").post(
        "/compliance/mending/plan", {"node": "", "remedies": "faillock"}
    )
    assert asked.status_code == 303
    assert newest(hospital).kind == "compliance.mend.plan"
    assert newest(hospital).action == {"node": home, "remedies": "faillock"}
    page = reader("secadmin").get(f"/compliance/mending/plans/{mended[1]}").get_data(as_text=True)
    assert "MaxAuthTries &lt;script&gt;" in page
    assert HOSTILE not in page
    assert "自动恢复" in page
    form = {"node": home, "remedies": "sshd_limits"}
    assert reader("secadmin").post("/compliance/mending", form).status_code == 303
    assert newest(hospital).action == {**form, "seconds": 120}
    undone = reader("secadmin").post(f"/compliance/mending/{mended[0]}/undo", {"force": "on"})
    assert undone.status_code == 303
    assert newest(hospital).action["force"] is True


def test_what_has_no_remedy_is_refused_with_advice(reader, hospital):
    before = newest(hospital).number
    got = reader("secadmin").post(
        "/compliance/mending/plan", {"node": "", "remedies": "boot_trust"}
    )
    assert got.status_code == 400
    assert "TPM" in got.get_data(as_text=True)
    assert newest(hospital).number == before
