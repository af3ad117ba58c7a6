"""One job in the worker's hands: step by step to its end, or back to where it began."""

from collections.abc import Sequence
from typing import Any

from appliance import clock
from appliance.errors import BoxError, Failed, Text
from controller.actions.base import Action
from controller.jobs import rows
from controller.jobs.desk import Desk, attempt
from controller.jobs.ledger import Progress
from controller.jobs.log import sayer
from controller.jobs.queue import binding
from controller.jobs.states import State
from controller.jobs.steps import Step
from controller.jobs.trust import NotTrusted
from controller.jobs.undo import unwind
from controller.records.session import reading, transaction, unhurried
from controller.records.tables import Job

RESUMES = 3  # a step that was cut off this often is not tried again but undone
_LINE_BROKE = "node.unreachable"


class ResumedTooOften(Failed):
    """The worker died in this step again and again."""

    code = "job.resumed_too_often"
    text = Text(
        "步骤 {step} 已中断 {times} 次，不再重试", "The step {step} was cut off {times} times"
    )


class Cancelled(Failed):
    """Somebody asked for the job to be cancelled."""

    code = "job.cancelled"
    text = Text("任务已应要求取消", "The job was cancelled as asked")
    hint = Text("已完成的步骤均已回退。", "The steps that were done have been undone.")


class Execution:
    """One accepted job. `run` returns when it has ended, or raises if it must be tried again later."""

    def __init__(self, desk: Desk, job_id: str, action: Action, steps: Sequence[Step]) -> None:
        self._desk = desk
        self._job = job_id
        self._action = action
        self._steps = steps
        self._say = sayer(desk.engine, job_id)

    def run(self, progress: Progress) -> None:
        """Go on from where `progress` says the job came to."""
        with unhurried(), transaction(self._desk.engine) as session:
            if session.get(Job, self._job) is not None:
                rows.lay_out(session, self._job, self._steps, progress)
        if progress.undoing:
            self._back(State(progress.ending), progress.error)
            return
        error = self._altered(progress) or self._forward(progress)
        if error is None:
            self._end(State.SUCCEEDED, None)
        else:
            ending = State.CANCELLED if isinstance(error, Cancelled) else State.FAILED
            self._say(f"{error.message.zh} {error.message.en}")
            self._desk.ledger.turn_back(self._job, str(ending), error.as_dict())
            self._back(ending, error.as_dict())

    def _altered(self, progress: Progress) -> BoxError | None:
        """Somebody changed the row after it was accepted: what was begun is undone."""
        with reading(self._desk.engine) as session:
            job = session.get(Job, self._job)
        if job is None or binding(job) != progress.binding:
            return NotTrusted(why="the row was altered while the job ran")
        return None

    def _forward(self, progress: Progress) -> BoxError | None:
        for position, step in enumerate(self._steps):
            if position in progress.done:
                continue
            error = self._hindrance(position, progress) or self._do(position, step)
            if error is not None:
                return error
        return None

    def _hindrance(self, position: int, progress: Progress) -> BoxError | None:
        times = progress.begun.get(position, 0)
        if times > RESUMES:
            return ResumedTooOften(step=self._steps[position].key, times=times)
        with unhurried(), transaction(self._desk.engine) as session:
            job = session.get(Job, self._job)
            if job is not None and job.cancel_asked:
                return Cancelled()
            self._desk.ledger.begin(self._job, position)
            rows.mark(session, self._job, position, "running")
        return None

    def _do(self, position: int, step: Step) -> BoxError | None:
        self._desk.boundary(self._job, step.key, "begun")
        start = clock.monotonic()
        with unhurried():
            error = attempt(step.key, lambda: step.do(self._say))
            if error is not None and error.code == _LINE_BROKE:
                # Done again as after a crash, which every step bears: a line may break where a node does not.
                self._say(f"再试一次 once more: {error}")
                error = attempt(step.key, lambda: step.do(self._say))
        seconds = clock.monotonic() - start
        if error is None:
            self._desk.boundary(self._job, step.key, "done")
        # To disk with all that the step wrote, before the ledger says that it need not be done again.
        with transaction(self._desk.engine) as session:
            rows.mark(session, self._job, position, "failed" if error else "done", seconds)
        if error is None:
            self._desk.ledger.done(self._job, position)
            self._desk.boundary(self._job, step.key, "recorded")
        return error

    def _back(self, ending: State, error: dict[str, Any] | None) -> None:
        with transaction(self._desk.engine) as session:
            job = session.get(Job, self._job)
            if job is not None:
                job.state = str(State.UNDOING)
        unwind(self._desk, self._job, self._steps, self._say)
        self._end(ending, error)

    def _end(self, state: State, error: dict[str, Any] | None) -> None:
        self._desk.ledger.close(self._job)
        with transaction(self._desk.engine) as session:
            job = session.get(Job, self._job)
            if state is not State.SUCCEEDED:
                self._action.forget(session, self._job)
            if job is not None:
                rows.end(session, job, state, error)
            else:
                # Somebody took the row away; the deed is done all the same, and audited.
                rows.witness(session, self._job, self._action.kind, state, actor="?", error=error)
        self._desk.boundary(self._job, "", "ended")
        self._desk.ledger.forget(self._job)
