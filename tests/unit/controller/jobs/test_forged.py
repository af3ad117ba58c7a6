"""Rows written by somebody else: every way is refused, nothing is done, and it is audited."""

import threading

import pytest
from sqlalchemy import select, text, update

from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.jobs import rows
from controller.jobs.queue import binding, cancel
from controller.jobs.states import State
from controller.records import audit
from controller.records.session import transaction
from controller.records.tables import Account, AuditEntry, Job


def change(world, job_id, **values):
    with transaction(world.engine) as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def refused(world, job_id, code="job.not_trusted"):
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("refused", code)
    assert world.seen == []
    assert world.files() == []
    assert world.ledger.jobs() == ()
    with transaction(world.engine) as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc())).first()
    assert (entry.object, entry.outcome) == (f"job/{job_id}", "refused")


def forged(world, **values):
    """A row that never went through submit."""
    row = {
        "id": "forged", "number": 77, "kind": "toy.build", "action": {"name": "hut", "breaks": ""},
        "title_zh": "", "title_en": "", "object": "toy/hut", "actor": "sam", "role": "system",
        "locks": ["toy/hut"], "state": "waiting", "audit_number": 99, "created_at": "now",
    }  # fmt: skip
    with transaction(world.engine) as session:
        session.add(Job(**{**row, **values}))
    return "forged"


def test_a_row_without_an_audit_entry(world):
    refused(world, forged(world))


def test_a_row_that_points_to_another_jobs_entry(world):
    real = world.ask()
    change(world, real, state="cancelled")
    refused(world, forged(world, audit_number=1))


@pytest.mark.parametrize(
    "values",
    [
        {"action": {"name": "castle", "breaks": ""}},
        {"action": {"name": "hut", "breaks": "", "more": 1}},
        {"action": {"name": "hut"}},
        {"action": {"name": 1, "breaks": ""}},
        {"action": ["hut"]},
        {"actor": "sue"},
        {"role": "security"},
        {"kind": "toy.burn"},
        {"locks": []},
        {"locks": ["toy/other"]},
        {"object": "toy/other"},
        {"audit_number": 0},
    ],
)
def test_an_altered_row(world, values):
    job_id = world.ask()
    change(world, job_id, **values)
    refused(world, job_id)


def test_an_entry_that_is_not_linked(world):
    """Job and entry rewritten to match each other; the chain behind them does not."""
    job_id = world.ask()
    world.ask("second")
    change(world, job_id, action={"name": "castle", "breaks": ""}, object="toy/castle")
    change(world, job_id, locks=["toy/castle"])
    with transaction(world.engine) as session:
        digest = binding(session.get(Job, job_id))
        detail = f'{{"job":"{job_id}","sha256":"{digest}","via":""}}'
        session.execute(
            update(AuditEntry)
            .where(AuditEntry.number == 1)
            .values(object="toy/castle", detail=detail)
        )
        session.execute(update(Job).where(Job.id != job_id).values(state="cancelled"))
    refused(world, job_id)


def test_a_chain_rewritten_in_whole_does_not_reach_the_seal(world):
    job_id = world.ask()
    seals = world.seals()
    assert seals.seal(world.engine)
    with transaction(world.engine) as session:
        session.execute(text("DELETE FROM audit"))
        digest = binding(session.get(Job, job_id))
        detail = f'{{"job":"{job_id}","sha256":"{digest}","via":"elsewhere"}}'
        act = audit.entry(
            "sam", "system", "toy.build", on="toy/hut", outcome="submitted", detail=detail
        )
        audit.append(session, act)
    refused(world, job_id)


def test_the_account_lost_its_role(world):
    job_id = world.ask()
    with transaction(world.engine) as session:
        session.execute(update(Account).where(Account.name == "sam").values(role="audit"))
    refused(world, job_id, "job.not_allowed")


def test_the_account_was_disabled(world):
    job_id = world.ask()
    with transaction(world.engine) as session:
        session.execute(update(Account).where(Account.name == "sam").values(disabled=True))
    refused(world, job_id, "job.not_allowed")


def test_the_account_is_gone(world):
    job_id = world.ask()
    with transaction(world.engine) as session:
        session.execute(text("DELETE FROM accounts WHERE name = 'sam'"))
    refused(world, job_id, "job.not_allowed")


def test_a_role_that_may_not_ask_this(world):
    """Account, row and entry all say security; the action does not allow it."""
    with transaction(world.engine) as session:
        job = Job(
            id="rogue", number=5, kind="toy.build", action={"name": "hut", "breaks": ""},
            title_zh="", title_en="", object="toy/hut", actor="sue", role="security",
            locks=["toy/hut"], state="waiting", created_at="now",
        )  # fmt: skip
        detail = f'{{"job":"rogue","sha256":"{binding(job)}","via":""}}'
        act = audit.entry(
            "sue", "security", "toy.build", on="toy/hut", outcome="submitted", detail=detail
        )
        job.audit_number = audit.append(session, act).number
        session.add(job)
    refused(world, "rogue", "job.not_allowed")


def test_what_it_needs_does_not_hold_any_more(world):
    refused(world, world.ask("late"), "object.conflict")


@pytest.mark.parametrize("lease", [None, "2000-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"])
def test_a_row_that_says_it_runs_already_is_judged_like_any_other(world, lease):
    refused(world, forged(world, state="running", worker="toy", lease_until=lease))


def test_a_job_that_ended_cannot_be_set_back(world):
    job_id = world.ask()
    world.work()
    for name in world.files():
        (world.made / name).unlink()
    world.seen.clear()
    change(world, job_id, state="waiting", finished_at=None)
    refused(world, job_id)


def test_a_job_that_was_cancelled_cannot_be_set_back(world):
    job_id = world.ask()
    with transaction(world.engine) as session:
        cancel(session, Principal("sam", "sam", Role.SYSTEM), job_id)
    change(world, job_id, state="waiting", cancel_asked=False)
    refused(world, job_id)


def test_a_row_altered_while_its_job_ran_is_undone(world):
    """The ledger, not the row, says what was accepted: what was begun is taken back."""
    job_id = world.ask()
    assert world.die_at("two", "done")
    change(world, job_id, action={"name": "castle", "breaks": ""})
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "job.not_trusted")
    assert world.files() == []
    assert world.ledger.jobs() == ()


def test_steps_marked_done_in_the_rows_are_done_all_the_same(world):
    job_id = world.ask()
    with transaction(world.engine) as session:
        for position, key in enumerate(("one", "two", "three")):
            session.execute(
                text(
                    "INSERT INTO job_steps (job_id, position, key, title_zh, title_en, state)"
                    " VALUES (:j, :p, :k, '', '', 'done')"
                ),
                {"j": job_id, "p": position, "k": key},
            )
    world.work()
    assert world.job(job_id).state == "succeeded"
    assert world.files() == ["hut.one", "hut.three", "hut.two"]


def test_a_row_taken_away_while_its_job_ran_is_undone(world):
    world.ask()
    assert world.die_at("two", "done")
    with transaction(world.engine) as session:
        for table in ("job_steps", "job_lines"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("DELETE FROM jobs"))
    world.work()
    assert world.files() == []
    assert world.ledger.jobs() == ()


def test_an_end_that_somebody_else_witnessed_does_not_leave_a_job_half_done(world):
    job_id = world.ask()
    assert world.die_at("two", "done")
    with transaction(world.engine) as session:
        rows.witness(session, job_id, "toy.build", State.SUCCEEDED, actor="sam")
    world.work()
    assert world.files() == ["hut.one", "hut.three", "hut.two"]
    assert world.ledger.jobs() == ()


def held_in_step_two(world) -> tuple[threading.Event, threading.Event]:
    """A job stops in its second step: the first event says that it is there, the second lets it go on."""
    inside, go_on = threading.Event(), threading.Event()

    def gate(step):
        if step == "two":
            inside.set()
            assert go_on.wait(20)

    world.gate = gate
    return inside, go_on


@pytest.mark.parametrize("values", [{"locks": []}, {"state": "succeeded"}])
def test_a_running_job_keeps_its_locks_whatever_its_row_says(world, values):
    inside, go_on = held_in_step_two(world)
    first = world.ask()
    runner = world.runner()
    assert runner.tick()
    assert inside.wait(20)
    change(world, first, **values)
    second = world.ask()
    assert not runner.tick()
    assert (world.job(second).state, world.job(second).blocked_by) == ("waiting", "#1 toy/hut")
    go_on.set()
    assert runner.settle(20)


def test_a_running_job_set_back_to_waiting_does_not_begin_a_second_time(world):
    inside, go_on = held_in_step_two(world)
    job_id = world.ask()
    runner = world.runner()
    assert runner.tick()
    assert inside.wait(20)
    change(world, job_id, state="waiting")
    assert not runner.tick()
    go_on.set()
    assert runner.settle(20)
    assert world.seen == [("do", "one"), ("do", "two"), ("do", "three")]
    assert world.job(job_id).state == "succeeded"


def test_a_ledger_cut_off_in_its_first_line_is_no_acceptance(world):
    """The power went while the worker accepted: the job still waits, and runs as any other."""
    job_id = world.ask()
    (world.folder / "ledger" / f"{job_id}.jsonl").write_bytes(b'{"kind": "toy.bu')
    world.work()
    assert world.job(job_id).state == "succeeded"
    assert world.files() == ["hut.one", "hut.three", "hut.two"]
