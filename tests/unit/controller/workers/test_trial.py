"""The dry run as a job: bodies from the sealed journal, nothing sent, the outcome kept for the approver."""

from datetime import timedelta

import pytest

from appliance import clock
from controller.actions.channels import TryChange
from network.gateway import vault
from network.gateway.journal import Journal
from network.gateway.records import Facts
from tests.unit.controller.workers.box import CHANNEL, Box

BODY = b'{"resourceType":"Observation","id":"a1","status":"final"}'
NARROWER = CHANNEL.replace('  { path = "status", type = "code" },\n', "")


@pytest.fixture
def box(tmp_path) -> Box:
    box = Box.new(tmp_path)
    box.propose()
    assert box.approve(1).state == "succeeded"
    return box


def crossed(box, count, hours_ago=1.0, **facts):
    journal = Journal(
        box.folder / "gateway" / "journal", vault.load(box.settings.keys / vault.FILE)
    )
    list(journal.recover())
    at = clock.iso(clock.now() - timedelta(hours=hours_ago))
    given = {
        "event": "accepted", "channel": "lab-report", "side": "intranet",
        "peer": "10.66.0.20", "method": "POST", "target": "/fhir/Observation",
    }  # fmt: skip
    for number in range(count):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("network.gateway.journal.iso", lambda: at)
            journal.append(Facts(**(given | {"delivery": f"d{number}"} | facts)), BODY)
    journal.close()


def test_yesterdays_transfers_are_replayed_and_the_difference_is_kept(box):
    crossed(box, 3, hours_ago=30)
    crossed(box, 5)
    box.propose(NARROWER, op="change", base=1)
    before = box.opened()
    job = box.done("sam", TryChange(2, 24))
    assert job.state == "succeeded", job.error
    assert job.result["messages"] == 5
    trial = box.row(2).trial
    (told,) = trial["channels"]
    assert (told["channel"], told["messages"], told["fewer"], told["fields"]) == (
        "lab-report", 5, 5, 5,
    )  # fmt: skip
    assert trial["digest"] == box.book.get(2).digest
    assert "final" not in str(trial)
    assert box.opened() == before
    whole = box.done("sue", TryChange(2, 48))
    assert whole.result["messages"] == 8
    done = box.approve(2)
    assert done.result["dry_run"] is True
    assert "未做试运行" not in box.lines(done.id)
    assert box.done("sue", TryChange(2, 48)).state == "succeeded"


def test_a_removal_refuses_what_crossed(box):
    crossed(box, 2)
    box.propose("", op="remove", base=1)
    job = box.done("sue", TryChange(2, 24))
    assert (job.result["messages"], job.result["refused"]) == (2, 2)


def test_a_body_that_does_not_open_is_counted_not_hidden(box):
    crossed(box, 2)
    (box.settings.keys / vault.FILE).unlink()
    vault.ensure(box.settings.keys / vault.FILE)
    box.propose(NARROWER, op="change", base=1)
    box.done("sam", TryChange(2, 24))
    assert (box.row(2).trial["unreadable"], box.row(2).trial["messages"]) == (2, 0)


def test_without_the_key_or_the_change_it_says_so(box):
    box.propose(NARROWER, op="change", base=1)
    (box.settings.keys / vault.FILE).unlink()
    job = box.done("sam", TryChange(2, 24))
    assert (job.state, job.error["code"]) == ("failed", "gateway.journal_key")
