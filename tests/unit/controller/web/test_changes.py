"""The pages on which one person asks for a channel change and another decides it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.records.exchange import ChannelChange
from controller.records.tables import Job
from controller.web.pages.changes import SKELETON
from network.gateway.text import parse, render


@pytest.fixture
def jobs(hospital):
    def of(kind):
        with Session(hospital.engine) as session:
            return list(session.scalars(select(Job).where(Job.kind == kind)))

    return of


def test_the_approver_sees_persons_difference_and_dry_run(reader, hospital):
    text = reader("secadmin").get("/gateway/changes/1").get_data(as_text=True)
    for wanted in ("sysadmin", "检验科上线报告推送", "d" * 64, "新通道", "gateway.body_refused"):
        assert wanted in text, wanted
    assert '<span class="added">+id = &#34;lab-report&#34;</span>' in text
    assert 'action="/gateway/changes/1/approve"' in text
    assert "lab-report" in reader("assessor").get("/gateway/changes").get_data(as_text=True)
    assert "approve" not in reader("assessor").get("/gateway/changes/1").get_data(as_text=True)


def test_an_untried_change_is_said_to_be_untried(reader, hospital):
    with Session(hospital.engine) as session, session.begin():
        session.get(ChannelChange, 1).digest = "e" * 64
    try:
        text = reader("secadmin").get("/gateway/changes/1").get_data(as_text=True)
        assert "此变更尚未试运行" in text
        assert "gateway.body_refused" not in text
    finally:
        with Session(hospital.engine) as session, session.begin():
            session.get(ChannelChange, 1).digest = "d" * 64


def test_approval_is_of_exactly_what_was_shown(reader, hospital, jobs):
    person = reader("secadmin")
    answer = person.post("/gateway/changes/1/approve", {"digest": "0" * 64, "comment": ""})
    assert answer.status_code == 409
    answer = person.post("/gateway/changes/1/approve", {"digest": "d" * 64, "comment": "同意"})
    assert answer.status_code == 303
    assert jobs("gateway.change.approve")[-1].action == {
        "number": 1, "digest": "d" * 64, "comment": "同意",
    }  # fmt: skip


def test_who_asked_gets_no_button_and_no_way(reader, hospital):
    with Session(hospital.engine) as session, session.begin():
        session.get(ChannelChange, 1).requester = "secadmin"
    try:
        person = reader("secadmin")
        text = person.get("/gateway/changes/1").get_data(as_text=True)
        assert 'action="/gateway/changes/1/approve"' not in text
        answer = person.post("/gateway/changes/1/approve", {"digest": "d" * 64, "comment": ""})
        assert answer.status_code == 409
    finally:
        with Session(hospital.engine) as session, session.begin():
            session.get(ChannelChange, 1).requester = "sysadmin"


def test_the_example_to_start_from_is_one_that_the_gateway_takes(reader):
    channel = parse(SKELETON, "sysadmin", "secadmin")
    assert parse(render(channel), "sysadmin", "secadmin") == channel
    assert "lab reports go out" in reader("sysadmin").get("/gateway/changes/new").get_data(
        as_text=True
    )


def test_a_change_is_asked_for_tried_and_rejected(reader, hospital, jobs):
    system, security = reader("sysadmin"), reader("secadmin")
    given = {"channel": "new-one", "op": "new", "text": "id = 'x'\r\n\r\nrate = 1", "reason": "试"}
    assert system.post("/gateway/changes/new", given).status_code == 303
    asked = jobs("gateway.channel.propose")[-1].action
    assert asked["text"] == "id = 'x'\n\nrate = 1\n"
    assert asked["base"] == 0
    answer = system.post("/gateway/changes/new", given | {"reason": ""})
    assert (answer.status_code, "rate = 1" in answer.get_data(as_text=True)) == (400, True)
    assert security.post("/gateway/changes/1/try", {"hours": "24"}).status_code == 303
    assert security.post("/gateway/changes/1/reject", {"comment": ""}).status_code == 400
    assert security.post("/gateway/changes/1/reject", {"comment": "不行"}).status_code == 303
    assert system.get("/gateway/changes/99").status_code == 404
    assert system.get("/gateway/changes/x").status_code == 404
