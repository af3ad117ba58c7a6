"""A worker killed with SIGKILL at every boundary: the next one finishes the job or undoes all of it."""

import pytest

from tests.unit.controller.jobs.toy import STEPS, World

FORWARD = [(step, phase) for step in STEPS for phase in ("begun", "done", "recorded")]
BACK = [
    (step, f"undo-{phase}") for step in ("two", "one") for phase in ("begun", "done", "recorded")
]


def settled(world: World, job_id: str) -> str:
    """Check that nothing of the job is left half; return its state."""
    job = world.job(job_id)
    whole = ["hut.one", "hut.three", "hut.two"] if job.state == "succeeded" else []
    assert world.files() == whole
    assert world.ledger.jobs() == ()
    assert (job.worker, job.lease_until) == (None, None)
    assert set(world.steps(job_id).values()) <= {"done", "undone", "pending"}
    return job.state


@pytest.mark.parametrize(("step", "phase"), [*FORWARD, ("", "ended")])
def test_killed_going_forward_it_is_finished(world, step, phase):
    job_id = world.ask()
    assert world.die_at(step, phase)
    world.work()
    assert settled(world, job_id) == "succeeded"
    done_again = [deed for deed in world.seen if deed[0] == "do"]
    assert len(done_again) <= len(STEPS)
    assert world.job(job_id).resumed == (0 if phase == "ended" else 1)


@pytest.mark.parametrize(("step", "phase"), [*BACK, ("", "ended")])
def test_killed_going_back_it_is_undone(world, step, phase):
    job_id = world.ask(breaks="two")
    assert world.die_at(step, phase)
    world.work()
    assert settled(world, job_id) == "failed"
    assert world.job(job_id).error["code"] == "step.failed"


def test_a_step_cut_off_again_and_again_is_undone(world):
    job_id = world.ask()
    for _ in range(4):
        assert world.die_at("two", "begun")
    world.work()
    assert settled(world, job_id) == "failed"
    assert world.job(job_id).error["code"] == "job.resumed_too_often"


def test_a_torn_ledger_line_is_an_event_that_never_was(world):
    job_id = world.ask()
    assert world.die_at("two", "done")
    path = world.folder / "ledger" / f"{job_id}.jsonl"
    with path.open("ab") as file:
        file.write(b'{"done": 1')
    world.work()
    assert settled(world, job_id) == "succeeded"
    assert world.seen == [("do", "two"), ("do", "three")]


def test_a_reverse_that_fails_is_tried_until_it_works(world, monkeypatch):
    monkeypatch.setattr("controller.jobs.undo._PAUSES", (0.0, 0.0))
    monkeypatch.setattr("controller.jobs.runner._RETRY", -1.0)
    job_id = world.ask(breaks="three")
    stuck = world.made / "hut.two"

    def gate(step):
        if step == "three":
            stuck.unlink()
            stuck.mkdir()  # unlinking a folder fails

    world.gate = gate
    runner = world.runner()
    runner.tick()
    runner.settle(10)
    assert world.job(job_id).state == "undoing"
    assert any("not undone yet" in line for line in world.lines(job_id))
    stuck.rmdir()
    runner.tick()
    runner.settle(10)
    assert settled(world, job_id) == "failed"
