"""The pages of people's part: questionnaire with progress, answer form with files, approval, risks, differences."""

import io
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance import chance, clock
from controller.records.answers import content_digest
from controller.records.assessment import ComplianceStatement, ComplianceWaiver, ForeignObject
from controller.records.tables import ComplianceRun, Job

PLACE = "/compliance/questions/person:site/8.1.6.1.a"
TODAY = clock.now().date().isoformat()
SHARED = {
    "item": "8.1.6.1.a", "subject": "person:site", "asked_by": "sysadmin", "asked_at": clock.iso(),
    "approved_by": "", "approved_at": "", "state": "asked", "comment": "", "seal": "",
}  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def papers(hospital):
    """A statement and a waiver that wait, a foreign object; gone afterwards."""
    stated = ComplianceStatement(
        id=chance.new_id(), verdict="conform", record=f"制度汇编 {HOSTILE}", review_by=TODAY,
        attachments=[{"name": f"{HOSTILE}.pdf", "size": 5, "sha256": "ab" * 32}], **SHARED,
    )  # fmt: skip
    waived = ComplianceWaiver(
        id=chance.new_id(),
        reason="等待供应商",
        measure="只在内网登录",
        expires="2026-01-01",
        **SHARED,
    )
    for row in (stated, waived):
        row.digest = content_digest(row)
    shown = {"stated": stated.id, "waived": waived.id, "digest": stated.digest}
    with Session(hospital.engine) as session, session.begin():
        session.add_all([stated, waived])
        session.add(
            ForeignObject(ref="boundary:fw-1", kind="boundary", name="fw-1", what="出口防火墙", maker="",
                          place="", applies_to=["8.1.3.1.a"], made_by="sysadmin", created_at=clock.iso())
        )  # fmt: skip
    yield shown
    with Session(hospital.engine) as session, session.begin():
        for table in (ComplianceStatement, ComplianceWaiver, ForeignObject):
            session.execute(delete(table))


def last(hospital, kind):
    with Session(hospital.engine) as session:
        return session.scalars(select(Job).where(Job.kind == kind).order_by(Job.number)).all()[-1]


def state(hospital, kind, paper, **changes):
    with Session(hospital.engine) as session, session.begin():
        row = session.get(kind, paper)
        for name, value in changes.items():
            setattr(row, name, value)


def test_the_questionnaire_shows_each_layer_with_its_progress(reader, hospital, papers):
    text = reader("audadmin").get("/compliance/questions").get_data(as_text=True)
    for layer in ("8.1.1", "8.1.10", "risks", "IH-1"):
        assert f'href="?layer={layer}#asked"' in text, layer
    bars = re.findall(r'<progress max="(\d+)" value="(\d+)"', text)
    assert bars
    assert all(value == "0" for _, value in bars)
    state(hospital, ComplianceStatement, papers["stated"], state="approved", approved_by="audadmin")
    text = reader("audadmin").get("/compliance/questions").get_data(as_text=True)
    assert (
        sum(int(value) for _, value in re.findall(r'<progress max="(\d+)" value="(\d+)"', text))
        == 1
    )
    with Session(hospital.engine) as session, session.begin():
        old = session.get(ComplianceStatement, papers["stated"])
        anew = {c.key: getattr(old, c.key) for c in ComplianceStatement.__table__.columns}
        session.add(ComplianceStatement(**{**anew, "id": chance.new_id(), "state": "asked"}))
    waits = reader("audadmin").get("/compliance/questions?state=waits").get_data(as_text=True)
    assert f'href="{PLACE}"' in waits, "what is answered anew waits beside the one that holds"
    soon = reader("audadmin").get("/compliance/questions?state=soon").get_data(as_text=True)
    assert f'href="{PLACE}"' in soon
    assert f"复核日期 {TODAY}" in soon


def test_a_layer_lists_its_questions_in_the_assessors_words(reader, papers):
    text = reader("sysadmin").get("/compliance/questions?layer=8.1.3").get_data(as_text=True)
    assert "/compliance/questions/boundary:fw-1/8.1.3.1.a" in text
    assert "/compliance/questions/boundary:fw-1/8.1.3.1.b" not in text
    page = reader("sysadmin").get(PLACE).get_data(as_text=True)
    assert "应查阅制度文件" in page
    assert "上次检查" in page


def test_what_people_wrote_is_shown_as_text(reader, papers):
    page = reader("audadmin").get(PLACE).get_data(as_text=True)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_an_answer_goes_with_its_files_to_a_job(reader, hospital):
    form = {
        "verdict": "partial", "record": "缺少评审记录\r\n第二行", "review_by": TODAY,
        "files": [(io.BytesIO(b"one"), "一.pdf"), (io.BytesIO(b"two"), "x/二.pdf")],
    }  # fmt: skip
    got = reader("secadmin").post(PLACE, form, content_type="multipart/form-data")
    assert got.status_code == 303, got.get_data(as_text=True)
    asked = last(hospital, "compliance.answer").action
    assert (asked["item"], asked["verdict"], asked["record"]) == (
        "8.1.6.1.a", "partial", "缺少评审记录\n第二行",
    )  # fmt: skip
    files = json.loads(asked["attachments"])
    assert [one["name"] for one in files] == ["一.pdf", "二.pdf"]
    assert (hospital.settings.state / "uploads" / files[0]["upload"]).read_bytes() == b"one"


def test_a_refused_answer_comes_back_with_what_was_typed(reader):
    form = {"verdict": "conform", "record": "看过", "review_by": "2099-01-01"}
    got = reader("sysadmin").post(PLACE, form)
    assert got.status_code == 400
    text = got.get_data(as_text=True)
    assert "看过</textarea>" in text
    assert "input.invalid" in text or 'role="alert"' in text


def test_the_audit_administrator_approves_what_was_shown_and_nobody_else_can(
    reader, hospital, papers
):
    address = f"/compliance/answers/{papers['stated']}/approve"
    assert f'action="{address}"' in reader("audadmin").get(PLACE).get_data(as_text=True)
    for who in ("sysadmin", "secadmin", "assessor"):
        assert f'action="{address}"' not in reader(who).get(PLACE).get_data(as_text=True)
        assert reader(who).post(address, {"digest": papers["digest"]}).status_code == 403
    assert reader("audadmin").post(address, {"digest": "0" * 64}).status_code == 409
    assert reader("audadmin").post(address, {"digest": papers["digest"]}).status_code == 303
    assert last(hospital, "compliance.answer.approve").action["paper_id"] == papers["stated"]


def test_a_waiver_past_its_day_is_said_to_be(reader, hospital, papers):
    state(hospital, ComplianceWaiver, papers["waived"], state="approved", approved_by="audadmin")
    assert "已过期" in reader("sysadmin").get("/compliance/waivers").get_data(as_text=True)
    home = reader("sysadmin").get("/").get_data(as_text=True)
    assert "即将到期或已过期" in home
    asked = "/compliance/waivers?item=8.1.4.1.a&subject=controller:box"
    assert 'value="8.1.4.1.a"' in reader("sysadmin").get(asked).get_data(as_text=True)


def test_what_waits_for_approval_is_on_the_first_page(reader, papers):
    assert "1 份人员记录等待批准" in reader("audadmin").get("/").get_data(as_text=True)


def test_risks_stand_major_first_with_what_would_lower_them(reader):
    text = reader("assessor").get("/compliance/risks").get_data(as_text=True)
    tags = re.findall(r"<b>(A-\d\d|\d\.\d\.\d\.\d)</b>", text)
    assert tags == sorted(tags, key=lambda one: not one.startswith("A-"))
    assert "/compliance/questions/person:site/6.1.1.1_1" in text
    mitigation = reader("sysadmin").get("/compliance/questions/person:site/6.1.1.1_1")
    assert mitigation.status_code == 200
    assert reader("sysadmin").get("/compliance/questions/person:site/9.9.9").status_code == 404
    assert reader("sysadmin").get("/compliance/questions/host:none/../x").status_code == 404


def test_two_runs_are_compared_and_drift_stands_first(reader, hospital):
    with Session(hospital.engine) as session, session.begin():
        run = session.get(ComplianceRun, hospital.run)
        envelope = json.loads(Path(run.json_path).read_text("utf-8"))
        report = envelope["report"]
        report["started"] = clock.iso()
        moved = next(one for one in report["checks"] if one["verdict"] == "conform")
        moved["verdict"] = "violated"
        path = hospital.settings.state / "reports" / "later.json"
        path.write_text(json.dumps(envelope, ensure_ascii=False), "utf-8")
        later = ComplianceRun(
            id=chance.new_id(), at=clock.iso(), seconds=1.0, ruleset=run.ruleset, digest="cd" * 32,
            json_path=str(path), html_path=run.html_path,
            summary={**run.summary, "moved": {"before": run.id, "found": 2, "drift": 1}},
        )  # fmt: skip
        session.add(later)
        added = later.id
    try:
        text = reader("assessor").get("/compliance/differences").get_data(as_text=True)
        assert "1 处没有变更记录" in text
        assert moved["id"] in text
        assert 'class="chip bad"' in text
        assert "没有变更记录（漂移）" in reader("assessor").get("/compliance").get_data(
            as_text=True
        )
        assert "1 处变化没有变更记录" in reader("sysadmin").get("/").get_data(as_text=True)
    finally:
        with Session(hospital.engine) as session, session.begin():
            session.delete(session.get(ComplianceRun, added))


def test_an_object_beside_the_box_leads_to_its_own_questions(reader, papers):
    objects = reader("sysadmin").get("/compliance/objects").get_data(as_text=True)
    assert 'href="/compliance/questions?object=boundary:fw-1#asked"' in objects
    text = reader("sysadmin").get("/compliance/questions?object=boundary:fw-1").get_data(as_text=True)  # fmt: skip
    assert re.findall(r'<span class="note">(\S+:\S+)</span>', text) == ["boundary:fw-1"]


def test_a_finding_leads_to_what_can_be_done_about_it(reader):
    def get(path):
        return reader("sysadmin").get(path).get_data(as_text=True)

    wrong = get("/compliance?all=1")
    assert 'href="/compliance/waivers?item=8.1.' in wrong
    assert "由人处理" in wrong
    assert re.search(r'href="/compliance/questions/person:site/8\.1\.\S+"', get("/compliance?verdict=pending&all=1"))  # fmt: skip
    assert "/compliance/waivers?item=" not in reader("audadmin").get("/compliance?verdict=violated").get_data(as_text=True)  # fmt: skip


def test_a_risk_leads_to_the_findings_of_its_items(reader):
    text = reader("sysadmin").get("/compliance/risks").get_data(as_text=True)
    path, item = re.findall(r'href="(/compliance\?layer=([\d.]+[a-z]))#findings"', text)[0]
    shown = reader("sysadmin").get(path).get_data(as_text=True)
    found = shown.partition('id="findings"')[2]
    assert set(re.findall(r"</span><b>([\d.]+[a-z])</b>", found)) == {item}


def test_objects_and_options_are_asked_for(reader, hospital):
    form = {"of_kind": "boundary", "name": "fw-2", "what": "防火墙", "maker": "", "place": "", "applies_to": "8.1.3.1.a, 8.1.3.1.b"}  # fmt: skip
    assert reader("sysadmin").post("/compliance/objects", form).status_code == 303
    assert json.loads(last(hospital, "compliance.object.set").action["applies_to"]) == [
        "8.1.3.1.a", "8.1.3.1.b",
    ]  # fmt: skip
    bad = reader("sysadmin").post("/compliance/objects", {**form, "applies_to": "x"})
    assert bad.status_code == 400
    chosen = {"key": "hbox-2025-1.partial", "value": "half"}
    assert reader("audadmin").post("/compliance/options", chosen).status_code == 303
    assert reader("secadmin").post("/compliance/options", chosen).status_code == 403
    timed = {"days": "7", "hour": "3"}
    assert reader("secadmin").post("/compliance/schedule", timed).status_code == 303
    assert last(hospital, "compliance.schedule.set").action == {"days": 7, "hour": 3}
