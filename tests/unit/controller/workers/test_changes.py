"""Channel changes: two persons, the worker's own book, one whole policy, versions and the way back."""

import json

import pytest
from sqlalchemy import text as sql
from sqlalchemy import update

from appliance.errors import Conflict, Failed
from controller.actions.channels import RejectChange
from controller.records.exchange import ChannelChange
from controller.records.session import transaction
from controller.records.tables import Account, Job
from tests.unit.controller.workers.box import CHANNEL, Box

WIDER = CHANNEL.replace(
    '{ path = "status", type = "code" },',
    '{ path = "status", type = "code" },\n  { path = "subject.reference", type = "reference" },',
)


@pytest.fixture
def box(tmp_path) -> Box:
    return Box.new(tmp_path)


def test_a_channel_opens_only_when_a_second_person_approved_it(box):
    job = box.propose()
    assert (job.state, job.result["change"]) == ("succeeded", 1)
    assert box.opened() == {}
    assert box.asked == []
    row = box.row(1)
    assert (row.state, row.requester, row.version) == ("pending", "sam", None)
    assert any("新通道" in line for line in row.widens)
    job = box.approve(1)
    assert job.state == "succeeded", job.error
    way = box.opened()["lab-report"]
    assert (way.requester, way.approver, way.rate) == ("sam", "sue", 600)
    assert ("restart", "hbox-gateway.service") in box.asked
    flows = json.loads((box.folder / "network" / "flows.json").read_bytes())
    assert {(f["zone"], f["source"], f["destination"], f["port"]) for f in flows} == {
        ("intranet", "10.66.0.20", "10.66.0.2", 8080),
        ("extranet", "10.88.0.2", "10.88.0.10", 8080),
    }
    row = box.row(1)
    assert (row.state, row.approver, row.version) == ("approved", "sue", 1)
    assert job.result["dry_run"] is False
    assert "未做试运行" in box.lines(job.id)


def test_versions_go_on_and_back(box):
    box.propose()
    box.approve(1)
    job = box.propose(WIDER, op="change", base=1)
    assert job.state == "succeeded", job.error
    assert box.row(2).before == CHANNEL
    assert box.row(2).widens == ["新增字段：request subject.reference new field: request subject.reference"]  # fmt: skip
    box.approve(2)
    assert len(box.opened()["lab-report"].request) == 4
    back = box.propose(CHANNEL, op="change", base=2)
    assert box.row(back.result["change"]).widens == []
    box.approve(3)
    assert (len(box.opened()["lab-report"].request), box.row(3).version) == (3, 3)
    gone = box.propose("", op="remove", base=3)
    assert gone.state == "succeeded", gone.error
    assert "lab-report" in box.opened()
    box.approve(4)
    assert box.opened() == {}
    again = box.propose(op="new", base=4)
    assert again.state == "succeeded", again.error


def test_who_asked_cannot_approve_even_with_the_other_role(box):
    box.propose()
    with transaction(box.engine) as session:
        session.execute(update(Account).where(Account.name == "sam").values(role="security"))
    from tests.unit.controller.workers import box as people  # noqa: PLC0415

    held = people.PEOPLE["sam"]
    people.PEOPLE["sam"] = people.PEOPLE["sue"]
    try:
        job = box.approve(1, "sam")
    finally:
        people.PEOPLE["sam"] = held
    assert (job.state, job.error["code"]) == ("failed", "gateway.same_person")
    assert box.opened() == {}
    assert box.row(1).state == "pending"


def test_rows_do_not_decide_what_is_opened(box):
    """Somebody writes into the database: text, requester, digest and state of the change."""
    box.propose()
    digest = box.book.get(1).digest
    wide = WIDER.replace("rate = 600", "rate = 60000")
    with transaction(box.engine) as session:
        session.execute(update(ChannelChange).values(text=wide, requester="nobody"))
    assert box.approve(1, digest=digest).state == "succeeded"
    way = box.opened()["lab-report"]
    assert (way.rate, way.requester, len(way.request)) == (600, "sam", 3)


def test_a_row_made_up_is_no_change(box):
    box.propose()
    with transaction(box.engine) as session:
        session.execute(
            sql(
                "INSERT INTO channel_changes (number, channel, op, base, before, text, digest, reason,"
                " widens, state, requester, requested_at, job_id) SELECT 9, 'other', op, base, before,"
                " text, digest, reason, widens, state, requester, requested_at, job_id"
                " FROM channel_changes WHERE number = 1"
            )
        )
    job = box.approve(9, digest=box.book.get(1).digest)
    assert (job.state, job.error["code"]) == ("failed", "object.not_found")
    assert box.opened() == {}


def test_what_was_not_read_is_not_approved(box):
    box.propose()
    with pytest.raises(Conflict):
        box.approve(1, digest="0" * 64)
    with transaction(box.engine) as session:
        session.execute(update(ChannelChange).values(digest="0" * 64))
    job = box.approve(1, digest="0" * 64)
    assert (job.state, job.error["code"]) == ("failed", "gateway.other_change")


def test_an_altered_job_row_names_nobody(box):
    """The row is changed while the job runs: who asked can no longer be told, nothing is recorded."""

    def altering(job_id, step, phase):
        if (step, phase) == ("judge", "recorded"):
            with transaction(box.engine) as session:
                session.execute(update(Job).where(Job.id == job_id).values(actor="sue"))

    from controller.actions.channels import ProposeChange  # noqa: PLC0415

    job_id = box.ask("sam", ProposeChange("new", "lab-report", 0, CHANNEL, "x"))
    box.work(altering)
    job = box.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "job.not_trusted")
    assert box.book.all() == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("rate = 600", "rate = -1"), "gateway.channel_invalid"),
        (('id = "lab-report"', 'id = "other"'), "gateway.channel_invalid"),
        (("10.66.0.20", "10.77.0.20"), "input.bad"),
        (("10.66.0.20", "10.66.0.2"), "input.bad"),
        (("10.88.0.10", "10.66.0.10"), "input.bad"),
    ],
)
def test_what_is_not_lawful_is_refused_before_it_is_recorded(box, change, code):
    job = box.propose(CHANNEL.replace(*change))
    assert (job.state, job.error["code"]) == ("failed", code)
    assert box.book.all() == ()
    assert box.row(1) is None


def test_two_channels_with_one_door_are_told_as_a_whole(box):
    box.propose()
    box.approve(1)
    job = box.propose(CHANNEL.replace("lab-report", "lab-two"), name="lab-two")
    assert (job.state, job.error["code"]) == ("failed", "gateway.policy_conflict")
    assert "lab-two" in job.error["message"]["zh"]


def test_one_change_of_a_channel_at_a_time(box):
    box.propose()
    with pytest.raises(Conflict):
        box.propose()
    with transaction(box.engine) as session:
        session.execute(update(ChannelChange).values(state="rejected"))
    job = box.propose()
    assert (job.state, job.error["code"]) == ("failed", "gateway.change_pending")


def test_a_change_made_on_an_older_version_is_refused(box):
    box.propose()
    box.approve(1)
    with pytest.raises(Conflict):
        box.propose(WIDER, op="change", base=0)
    with transaction(box.engine) as session:
        session.execute(update(ChannelChange).values(version=0))
    job = box.propose(WIDER, op="change", base=0)
    assert (job.state, job.error["code"]) == ("failed", "gateway.change_stale")


def test_there_must_be_a_channel_to_change_and_none_to_make_anew(box):
    job = box.propose(CHANNEL, op="change")
    assert (job.state, job.error["code"]) == ("failed", "object.not_found")
    box.propose()
    box.approve(1)
    job = box.propose(CHANNEL, op="new", base=1)
    assert (job.state, job.error["code"]) == ("failed", "gateway.channel_there")


def test_a_no_has_a_reason_and_opens_nothing(box):
    box.propose()
    job = box.done("sue", RejectChange(1, "字段过多"))
    assert job.state == "succeeded"
    assert (box.row(1).state, box.row(1).decision) == ("rejected", "字段过多")
    with pytest.raises(Conflict):
        box.approve(1)
    with transaction(box.engine) as session:
        session.execute(update(ChannelChange).values(state="pending"))
    job = box.approve(1)
    assert (job.state, job.error["code"]) == ("failed", "gateway.change_decided")
    with transaction(box.engine) as session:
        session.execute(update(ChannelChange).values(state="rejected"))
    assert box.propose().state == "succeeded"


def test_a_gateway_that_does_not_start_takes_the_approval_back(box):
    box.propose()
    box.broken.append(Failed(what="systemctl", why="no"))
    job = box.approve(1)
    assert (job.state, job.error["code"]) == ("failed", "step.failed")
    assert box.opened() == {}
    assert (box.row(1).state, box.book.get(1).state) == ("pending", "pending")
    assert box.approve(1).state == "succeeded"
