"""Jobs run step by step, fail in order, are cancelled between steps, wait for locks by name."""

import threading

import pytest
from sqlalchemy import select

from appliance.errors import Conflict
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.jobs.claim import Wanting, choose
from controller.jobs.lease import SoleWorker, WorkerRuns
from controller.jobs.queue import cancel
from controller.records.session import transaction
from controller.records.tables import AuditEntry
from tests.unit.controller.jobs.toy import STEPS


def test_a_job_succeeds_with_its_steps_measured_and_audited(world):
    job_id = world.ask()
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error, job.worker, job.lease_until) == ("succeeded", None, None, None)
    assert world.steps(job_id) == dict.fromkeys(STEPS, "done")
    assert world.files() == ["hut.one", "hut.three", "hut.two"]
    assert world.lines(job_id) == ["made one", "made two", "made three"]
    assert world.ledger.jobs() == ()
    with transaction(world.engine) as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()[-1]
    assert (last.act, last.object, last.outcome) == ("toy.build", f"job/{job_id}", "succeeded")
    assert '"for":"sam"' in last.detail


def test_a_step_that_fails_is_undone_with_all_before_it_in_reverse(world):
    job_id = world.ask(breaks="two")
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "step.failed")
    assert world.seen == [("do", "one"), ("do", "two"), ("undo", "two"), ("undo", "one")]
    assert world.files() == []
    assert world.steps(job_id) == {"one": "undone", "two": "undone", "three": "pending"}


def test_an_unforeseen_error_becomes_one_with_a_code(world):
    def gate(step):
        if step == "two":
            raise RuntimeError("nobody thought of this")

    world.gate = gate
    job_id = world.ask()
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "job.step_broke")
    assert world.files() == []


def test_cancel_takes_hold_between_two_steps(world):
    job_id = world.ask()

    def gate(step):
        if step == "two":
            with transaction(world.engine) as session:
                cancel(session, Principal("sam", "sam", Role.SYSTEM), job_id)

    world.gate = gate
    world.work()
    assert world.job(job_id).state == "cancelled"
    assert ("do", "three") not in world.seen
    assert world.files() == []


def test_a_job_that_waits_names_who_it_waits_for(world):
    first, second = world.ask("hut"), world.ask("hut")
    entered, leave = threading.Event(), threading.Event()

    def gate(step):
        if step == "one" and not entered.is_set():
            entered.set()
            assert leave.wait(10)

    world.gate = gate
    runner = world.runner()
    assert runner.tick()
    assert entered.wait(10)
    assert not runner.tick()
    assert world.job(second).blocked_by == "#1 toy/hut"
    leave.set()
    assert runner.settle(10)
    assert runner.tick()
    assert runner.settle(10)
    assert [world.job(j).state for j in (first, second)] == ["succeeded", "succeeded"]
    assert world.job(second).blocked_by is None


def test_no_more_jobs_run_at_once_than_there_are_slots(world, monkeypatch):
    monkeypatch.setattr("controller.jobs.runner.SLOTS", 4)
    ids = [world.ask(f"h{n}") for n in range(6)]
    leave = threading.Event()
    world.gate = lambda _step: leave.wait(10) and None
    runner = world.runner()
    runner.tick()
    assert len(runner.in_hand()) == 4
    runner.freed.clear()
    leave.set()
    assert runner.freed.wait(10), "a place that became free is not told"
    runner.settle(10)
    runner.tick()
    runner.settle(10)
    assert {world.job(job_id).state for job_id in ids} == {"succeeded"}


def test_nobody_overtakes_on_a_lock_that_an_older_job_wants():
    held = [Wanting("a", 1, frozenset({"x"}))]
    waiting = [Wanting("b", 2, frozenset({"x", "y"})), Wanting("c", 3, frozenset({"y"}))]
    blocked, younger = choose(held, waiting, 4)
    assert (blocked.begins, blocked.blocked_by) == (False, "#1 x")
    assert (younger.begins, younger.blocked_by) == (False, "#2 y")


def test_only_one_worker_per_machine(tmp_path):
    sole = SoleWorker(tmp_path / "lock")
    with pytest.raises(WorkerRuns):
        SoleWorker(tmp_path / "lock")
    sole.release()
    SoleWorker(tmp_path / "lock").release()


def test_a_job_whose_steps_cannot_be_made_fails_and_leaves_nothing(world):
    def plan(*_):
        raise Conflict(why="no such node")

    world.plan = plan
    job_id = world.ask()
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "object.conflict")
    assert world.ledger.jobs() == ()


def test_leases_are_renewed_while_a_job_runs(world):
    job_id = world.ask()
    leave = threading.Event()
    world.gate = lambda _step: leave.wait(10) and None
    runner = world.runner()
    runner.tick()
    before = world.job(job_id).lease_until
    runner._heartbeat.renew()
    assert world.job(job_id).lease_until > before
    leave.set()
    runner.settle(10)
    runner._heartbeat.renew()
    assert world.job(job_id).lease_until is None
