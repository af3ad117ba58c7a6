"""The channels' part of the API: what is shown comes from policy and rows, what is asked becomes a job."""

import json

import pytest
from sqlalchemy.orm import Session

from appliance.signing import SigningKey
from controller.records.exchange import ChannelChange, JournalIndex
from network.gateway import policy
from network.gateway.text import parse
from tests.unit.controller.workers.box import CHANNEL

BASE = "/gateway/changes/1"


@pytest.fixture(scope="module")
def filled(site):
    folder = site.controller.settings.state / "gateway"
    way = parse(CHANNEL, "sysadmin", "secadmin")
    policy.write(folder, policy.Policy(1, "now", (way,)), SigningKey.new())
    row = {
        "channel": "lab-report", "before": "", "text": CHANNEL, "reason": "r", "widens": ["w"],
        "requester": "sysadmin", "requested_at": "2026-11-21T00:00:00+00:00", "job_id": "-",
    }  # fmt: skip
    with Session(site.controller.engine) as session, session.begin():
        session.add(
            ChannelChange(
                number=1, op="new", base=0, digest="a" * 64, state="approved", version=1,
                approver="secadmin", **row,
            )
        )  # fmt: skip
        trial = {"digest": "b" * 64, "channels": [], "at": "now"}
        session.add(
            ChannelChange(
                number=2, op="change", base=1, digest="b" * 64, state="pending", trial=trial,
                tried_at="now", **{**row, "before": CHANNEL, "text": CHANNEL + "quota = 5\n"},
            )
        )  # fmt: skip
        session.add(JournalIndex(id=1, number=0, chain="", at="", broken="", paused=["lab-report"]))
    return site


@pytest.fixture
def system(filled):
    return filled.administrator("sysadmin")


@pytest.fixture
def security(filled):
    return filled.administrator("secadmin")


def test_a_channel_says_where_it_comes_from_and_how_it_stands(system):
    (one,) = system.get("/gateway/channels").json["items"]
    assert (one["id"], one["origin"], one["version"], one["paused"]) == (
        "lab-report", "text", 1, True,
    )  # fmt: skip
    assert (one["requester"], one["approver"], one["rate"]) == ("sysadmin", "secadmin", 600)
    assert system.get("/gateway/channels/lab-report").json == one
    assert system.get("/gateway/channels/none").code == "object.not_found"


def test_changes_are_listed_and_shown_with_their_difference(security):
    listed = security.get("/gateway/changes?state=pending").json["items"]
    assert [(one["number"], one["tried"]) for one in listed] == [(2, True)]
    assert "text" not in listed[0]
    whole = security.get("/gateway/changes/2").json
    assert "+quota = 5" in whole["diff"]
    assert whole["trial"]["digest"] == "b" * 64
    assert security.get(BASE).json["tried"] is False
    versions = security.get("/gateway/channels/lab-report/versions").json["items"]
    assert [one["number"] for one in versions] == [1]
    assert security.get("/gateway/changes?state=odd").status == 400


def test_the_dry_run_comes_as_a_file(security):
    got = security.get("/gateway/changes/2/trial")
    assert got.headers["content-disposition"] == 'attachment; filename="hbox-dry-run-2.json"'
    assert json.loads(got.data)["at"] == "now"
    assert security.get("/gateway/changes/1/trial").status == 404


@pytest.mark.parametrize("number", ["x", "-1", "1e3", "99999999999", "%D9%A3"])
def test_what_is_no_number_names_no_change(security, number):
    assert security.get(f"/gateway/changes/{number}").status in (400, 404)


def test_who_may_ask_and_who_may_decide(system, security, filled):
    body = {"op": "change", "text": CHANNEL, "reason": "x"}
    address = "/gateway/channels/lab-report/changes"
    assert security.post(address, body).code == "auth.forbidden"
    assert system.post(address, body).code == "gateway.change_pending"
    assert system.post(address, body | {"op": "open"}).status == 400
    other = system.post("/gateway/channels/other/changes", body | {"op": "new"})
    assert (other.status, other.json["action"]["base"]) == (202, 0)
    decide = {"digest": "b" * 64, "comment": ""}
    assert system.post("/gateway/changes/2/approve", decide).code == "auth.forbidden"
    assert security.post("/gateway/changes/2/approve", decide | {"digest": "c" * 64}).code == (
        "gateway.other_change"
    )
    assert security.post("/gateway/changes/1/reject", {"reason": "x"}).code == (
        "gateway.change_decided"
    )
    auditor = filled.administrator("audadmin")
    assert auditor.get("/gateway/changes/2").status == 200
    assert auditor.post("/gateway/changes/2/try", {"hours": 1}).code == "auth.forbidden"
    assert security.post("/gateway/changes/2/try", {"hours": 0}).status == 400
    assert security.post("/gateway/changes/2/try", {"hours": 1}).status == 202


def test_who_asked_is_told_at_once_that_another_must_approve(security, filled):
    with Session(filled.controller.engine) as session, session.begin():
        session.get(ChannelChange, 2).requester = "secadmin"
    got = security.post("/gateway/changes/2/approve", {"digest": "b" * 64})
    assert (got.status, got.code) == (409, "gateway.same_person")


def test_orders_need_a_reason_and_a_message_that_is_there(system, security):
    assert security.post("/gateway/channels/lab-report/pause", {"reason": ""}).status == 400
    assert security.post("/gateway/channels/lab-report/pause", {"reason": "x"}).status == 202
    assert system.post("/gateway/channels/lab-report/pause", {"reason": "x"}).status == 403
    gone = system.post("/gateway/dead/0badc0de-0001/rerun", {"reason": "x"})
    assert (gone.status, gone.code) == (404, "object.not_found")
