"""People's part on the screen: a question answered, approved, long and hostile text, nothing there yet, on a phone too."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import chance, clock
from controller.jobs.states import State
from controller.records.answers import content_digest
from controller.records.assessment import ComplianceStatement, ComplianceWaiver, ForeignObject
from controller.records.tables import ComplianceRun, Job
from tests.browser.hospital import Hospital
from tests.browser.screen import DESK, PHONE, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "制度汇编已由信息安全领导小组审定并发文；" * 12 + "x" * 160
PLACE = "/compliance/questions/person:site/8.1.6.1.a"
PAGES = {
    "questions": "/compliance/questions",
    "questions-layer": "/compliance/questions?layer=8.1.6",
    "question": PLACE,
    "mitigation": "/compliance/questions/person:site/6.1.1.1_1",
    "waivers": "/compliance/waivers",
    "objects": "/compliance/objects",
    "options": "/compliance/options",
    "risks": "/compliance/risks",
    "differences": "/compliance/differences",
    "compliance": "/compliance",
    "home": "/",
}


@pytest.fixture
def papers(hospital: Hospital) -> Iterator[None]:
    """Statements and waivers in every state, an object, a later run in which something moved."""
    now, day = clock.iso(), clock.now().date().isoformat()
    shared = {"item": "8.1.6.1.a", "subject": "person:site", "asked_by": "sysadmin", "asked_at": now, "comment": "", "seal": ""}  # fmt: skip
    files = [{"name": f"{HOSTILE}{'长' * 60}.pdf", "size": 20 << 20, "sha256": "ab" * 32}]
    rows: list[ComplianceStatement | ComplianceWaiver] = []
    for state, record in (
        ("asked", LONG + HOSTILE),
        ("approved", "已核对\n第二行"),
        ("withdrawn", "旧"),
    ):
        decided = {"approved_by": "audadmin" if state == "approved" else "", "approved_at": now if state == "approved" else ""}  # fmt: skip
        said = {**shared, **decided, "state": state}
        if state == "withdrawn":
            said["comment"] = "证据不足，请补充评审记录"
        rows.append(ComplianceStatement(id=chance.new_id(), verdict="partial", record=record, review_by=day, attachments=files, **said))  # fmt: skip
        rows.append(ComplianceWaiver(id=chance.new_id(), reason=LONG, measure="只在内网登录", expires="2026-01-01", **said))  # fmt: skip
    for row in rows:
        row.digest = content_digest(row)
    with Session(hospital.engine) as session, session.begin():
        session.add_all(rows)
        session.add(ForeignObject(ref="boundary:fw-1", kind="boundary", name="fw-1", what=f"出口防火墙 {HOSTILE}", maker="某厂商", place="机房 A-01", applies_to=["8.1.3.1.a", "8.1.3.1.b"], made_by="sysadmin", created_at=now))  # fmt: skip
        run = session.get(ComplianceRun, hospital.run)
        assert run is not None
        envelope = json.loads(Path(run.json_path).read_text("utf-8"))
        envelope["report"]["started"] = now
        moved = next(one for one in envelope["report"]["checks"] if one["verdict"] == "conform")
        moved["verdict"] = "violated"
        path = hospital.settings.state / "reports" / "later.json"
        path.write_text(json.dumps(envelope, ensure_ascii=False), "utf-8")
        summary = {**run.summary, "moved": {"before": run.id, "found": 2, "drift": 1}}
        later = ComplianceRun(id=chance.new_id(), at=now, seconds=1.0, ruleset=run.ruleset, digest="cd" * 32, json_path=str(path), html_path=run.html_path, summary=summary)  # fmt: skip
        session.add(later)
        added = later.id
    yield
    with Session(hospital.engine) as session, session.begin():
        for table in (ComplianceStatement, ComplianceWaiver, ForeignObject):
            session.execute(delete(table))
        session.delete(session.get(ComplianceRun, added))


def looked_at(screen: Screen, name: str) -> None:
    """The page holds together: nothing sticks out, nothing ran, nothing was asked from elsewhere."""
    screen.picture(name)
    assert not screen.overflow(), name
    assert not screen.driver.find_elements(By.CSS_SELECTOR, "img[src='x']"), name
    assert not screen.faults(), name


@pytest.mark.parametrize("who", ["sysadmin", "audadmin"])
def test_every_page_of_peoples_part_holds_long_and_hostile_text(
    screen: Screen, address: str, hospital: Hospital, papers: None, who: str
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter(who, hospital.codes)
    for size, word in ((DESK, "desk"), (PHONE, "phone")):
        screen.sized(size)
        for name, path in PAGES.items():
            screen.go(path)
            looked_at(screen, f"{word}-{who}-{name}")


def test_a_box_without_a_run_says_what_to_do(
    screen: Screen, fresh_address: str, fresh: Hospital
) -> None:
    screen.address = fresh_address
    screen.sized(DESK)
    screen.enter("sysadmin", fresh.codes)
    screen.faults()  # the page that a test before this one left
    for size, word in ((DESK, "desk"), (PHONE, "phone")):
        screen.sized(size)
        for name, path in PAGES.items():
            screen.go(path)
            looked_at(screen, f"{word}-fresh-{name}")


def test_an_answer_is_handed_in_and_a_refused_one_keeps_what_was_typed(
    screen: Screen, address: str, hospital: Hospital, tmp_path: Path
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("secadmin", hospital.codes)
    screen.go(PLACE)
    screen.type("record", " ")
    screen.press("提交，等待批准")
    assert 'role="alert"' in screen.driver.page_source
    screen.picture("desk-answer-refused")
    screen.faults()
    file = tmp_path / "制度 2026.pdf"
    file.write_bytes(b"%PDF-1.7 kept")
    screen.type("record", "查阅了制度汇编第 3 版")
    screen.driver.find_element(By.NAME, "files").send_keys(str(file))
    screen.press("提交，等待批准")
    assert "/jobs/" in screen.driver.current_url
    screen.picture("desk-answer-job")
    with Session(hospital.engine) as session, session.begin():
        job = session.query(Job).filter_by(kind="compliance.answer").one()
        assert [one["name"] for one in json.loads(job.action["attachments"])] == ["制度 2026.pdf"]
        job.state = str(State.CANCELLED)  # no worker is there to do it
    assert not screen.faults()
