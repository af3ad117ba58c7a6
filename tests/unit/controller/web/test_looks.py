"""A look through the console: asked with a reason, opened once, by its asker, gone after that."""

import json
import re
from dataclasses import replace

import pytest

from appliance.signing import SigningKey
from controller.actions.supervision import LookBody
from controller.records.session import reading
from controller.records.tables import AuditEntry, Job
from controller.web.openers import Openers
from controller.workers import exports, looks
from controller.workers.site import NodeDrivers, Site
from network.gateway import vault
from network.gateway.journal import Journal
from network.gateway.records import Facts
from tests.unit.controller.workers.exchange import Programs

BODY = (
    b'{"resourceType":"Patient","name":[{"text":"\xe6\xac\xa7\xe9\x98\xb3"}],"phone":"13800138000"}'
)
REASON = "患者投诉：预约未到达医院"


@pytest.fixture(scope="module")
def site(hospital):
    """The worker beside this console, with a journal whose first record holds a body."""
    settings = hospital.settings
    (settings.state / "gateway" / "journal").mkdir(parents=True, exist_ok=True)
    vault.ensure(settings.keys / vault.FILE)
    book = Journal(settings.state / "gateway" / "journal", vault.load(settings.keys / vault.FILE))
    list(book.recover())
    book.append(Facts("request", channel="slot-read", side="extranet", delivery="x"), BODY)
    book.commit()
    return Site(settings, hospital.engine, {"node1": NodeDrivers(None, None, Programs())})


def asked(person, **more):
    form = {"reason": REASON, "part": "message"} | more
    answer = person.post("/gateway/transfers/1/look", form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


def carried_out(site, job_id):
    with reading(site.engine) as session:
        action = LookBody.from_json(session.get(Job, job_id).action)
    [step] = looks.look(action, replace(site, job_id=job_id))
    step.do(lambda _line: None)
    finished(site, job_id)


def finished(site, job_id, **result):
    def end(session):
        job = session.get(Job, job_id)
        job.state, job.result = "succeeded", result

    site.change(end)


def test_a_look_is_asked_opened_once_and_gone(reader, site):
    person = reader("secadmin")
    address = asked(person)
    job_id = address.rpartition("/")[2]
    waiting = person.get(address).get_data(as_text=True)
    assert "hx-get" in waiting
    assert "打开（仅一次）" not in waiting
    carried_out(site, job_id)
    assert "打开（仅一次）" in person.get(address).get_data(as_text=True)
    first = person.post(f"{address}/open")
    shown = first.get_data(as_text=True)
    assert first.status_code == 200
    assert "Patient" in shown
    assert "欧阳" not in shown
    assert "13800138000" not in shown
    assert first.headers["Cache-Control"] == "no-store"
    again = person.post(f"{address}/open")
    assert again.status_code == 404
    assert "gateway.look_gone" in again.get_data(as_text=True)
    assert "已经打开过" in person.get(address).get_data(as_text=True)


def test_in_clear_it_says_so_on_the_page_and_in_the_audit(reader, site):
    person = reader("audadmin")
    address = asked(person, clear="on")
    job_id = address.rpartition("/")[2]
    carried_out(site, job_id)
    shown = person.post(f"{address}/open").get_data(as_text=True)
    assert "欧阳" in shown
    assert "未脱敏" in shown
    with reading(site.engine) as session:
        entries = session.query(AuditEntry).filter_by(act="gateway.look", actor="audadmin").all()
        told = [json.loads(entry.detail) for entry in entries]
        rows = json.dumps([job.action for job in session.query(Job)], ensure_ascii=False)
    assert (told[-1]["reason"], told[-1]["clear"]) == (REASON, True)
    assert entries[-1].object == "transfer/1"
    assert "欧阳" not in rows


def test_another_person_sees_nothing_of_it(reader, site):
    address = asked(reader("secadmin"))
    carried_out(site, address.rpartition("/")[2])
    other = reader("audadmin")
    assert other.get(address).status_code == 403
    assert other.post(f"{address}/open").status_code == 403
    for name in ("sysadmin", "assessor", "meditech"):
        answer = reader(name).post("/gateway/transfers/1/look", {"reason": REASON})
        assert answer.status_code == 403


def test_without_a_reason_nothing_is_asked(reader):
    answer = reader("secadmin").post(
        "/gateway/transfers/1/look", {"reason": "x", "part": "message"}
    )
    assert answer.status_code == 400


def test_a_second_click_is_the_same_look(reader, site):
    person = reader("secadmin")
    page = person.get("/gateway/transfers/1").get_data(as_text=True)
    once = re.search(r'name="once" value="([^"]+)"', page)[1]
    first, second = asked(person, once=once), asked(person, once=once)
    assert first == second
    carried_out(site, first.rpartition("/")[2])
    assert person.post(f"{first}/open").status_code == 200


def test_keys_are_kept_for_their_owner_for_ten_minutes_and_few_of_them(monkeypatch):
    held = Openers()
    keys = [object() for _ in range(70)]
    for number, key in enumerate(keys):
        held.keep(str(number), "a", key)
    assert held.take("0", "a") is None, "more than a process should hold"
    assert held.take("69", "b") is None
    assert held.take("69", "a") is keys[69]
    assert held.take("69", "a") is None
    monkeypatch.setattr("controller.web.openers._KEPT", -1.0)
    assert held.take("68", "a") is None


def test_what_was_searched_is_exported_and_handed_out(reader, site):
    person = reader("assessor")
    answer = person.post("/gateway/export", {"channel": "booking", "verdict": "refused"})
    address = answer.location
    job_id = address.rpartition("/")[2]
    with reading(site.engine) as session:
        action = exports.ExportTransfers.from_json(session.get(Job, job_id).action)
    SigningKey.load_or_new(site.settings.keys / "report.key")
    [step] = exports.export(action, replace(site, job_id=job_id))
    step.do(lambda _line: None)
    with reading(site.engine) as session:
        result = session.get(Job, job_id).result
    finished(site, job_id, **result)
    page = person.get(address).get_data(as_text=True)
    assert "12" in page
    table = person.get(f"{address}.csv")
    assert table.headers["Content-Disposition"].startswith("attachment")
    assert table.get_data(as_text=True).count("gateway.personal_number") == 12
    assert person.get(f"{address}.exe").status_code == 404
    assert person.get("/gateway/exports/../../keys/report.key.csv").status_code == 404
    assert reader("sysadmin").get(f"{address}.csv").status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=2026-11-22T00:00&slower=1.5&personal=1", 200),
        ("since=yesterday", 400),
        ("slower=fast", 400),
        ("slower=-1", 400),
        (f"text={'x' * 121}", 400),
        ("who=appointment", 200),
    ],
)
def test_the_search_takes_what_it_can_read(reader, query, status):
    assert reader("sysadmin").get(f"/gateway/rows?{query}").status_code == status


def test_the_search_finds_by_the_name_of_a_module(reader):
    page = reader("sysadmin").get("/gateway/rows?who=his-standin").get_data(as_text=True)
    assert "lab-report" in page
    assert "slot-read" not in page
