"""An operator's order is one signed line, given once, by name; whether it was obeyed is told truly."""

import os
import signal

import pytest

from appliance import clock
from appliance.errors import Conflict, NotFound
from controller.actions.orders import DropDead, PauseChannel, RerunDead, ResumeChannel
from controller.records.exchange import Transfer
from controller.records.session import transaction
from controller.workers import orders as workers
from network.gateway import orders, vault
from network.gateway.journal import Journal
from network.gateway.records import Facts
from tests.unit.controller.workers.box import Box

DEAD = "0f0f0f0f-1111"


@pytest.fixture
def box(tmp_path, monkeypatch) -> Box:
    monkeypatch.setattr(workers, "PATIENCE", 0.0)
    box = Box.new(tmp_path)
    box.propose()
    box.approve(1)
    with transaction(box.engine) as session:
        for number, state in ((1, "dead"), (2, "delivered")):
            session.add(
                Transfer(
                    number=number, at=clock.iso(), channel="lab-report", direction="", lane="store",
                    verdict="allowed", rule="", data_class="3", peer="", size=1, state=state,
                    hash="", delivery=DEAD if state == "dead" else f"{DEAD}{number}",
                )
            )  # fmt: skip
    return box


def given(box):
    return orders.load(box.folder / "gateway", box.policy_key.public)


def test_each_order_is_one_more_signed_line_with_a_name(box):
    for action in (PauseChannel("lab-report", "演练"), ResumeChannel("lab-report", "完毕")):
        assert box.done("sue", action).state == "succeeded"
    for action in (RerunDead(DEAD, "对端已恢复"), DropDead(DEAD, "已人工处理")):
        job = box.done("sam", action)
        assert job.state == "succeeded", job.error
    lines = given(box)
    assert [(o.n, o.op, o.channel, o.delivery) for o in lines] == [
        (1, "pause", "lab-report", ""), (2, "resume", "lab-report", ""),
        (3, "rerun", "", DEAD), (4, "drop", "", DEAD),
    ]  # fmt: skip
    assert [o.by.split()[0] for o in lines] == ["sue", "sue", "sam", "sam"]
    assert job.result == {"order": 4, "obeyed": False}
    assert "尚未执行" in box.lines(job.id)


def test_an_order_that_the_guard_journaled_is_told_as_obeyed(box):
    keys = vault.load(box.settings.keys / vault.FILE)
    journal = Journal(box.folder / "gateway" / "journal", keys)
    list(journal.recover())
    journal.append(Facts(event="ordered", order=1, channel="lab-report", note="pause by sue"))
    journal.close()
    job = box.done("sue", PauseChannel("lab-report", "演练"))
    assert job.result == {"order": 1, "obeyed": True}


def test_a_worker_that_dies_after_writing_gives_the_order_once(box):
    def deadly(_job, step, phase):
        if (step, phase) == ("order", "done"):
            os.kill(os.getpid(), signal.SIGKILL)

    box.ask("sue", PauseChannel("lab-report", "演练"))
    child = os.fork()
    if child == 0:
        try:
            Box(box.folder).work(deadly)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert len(given(box)) == 1
    box.work()
    assert len(given(box)) == 1


def test_only_a_dead_letter_and_only_a_channel_that_is_there(box):
    with pytest.raises(Conflict):
        box.ask("sam", RerunDead(f"{DEAD}2", "x"))
    with pytest.raises(NotFound):
        box.ask("sam", DropDead("0f0f0f0f-9999", "x"))
    job = box.done("sue", PauseChannel("other", "x"))
    assert (job.state, job.error["code"]) == ("failed", "object.not_found")
    assert given(box) == ()
