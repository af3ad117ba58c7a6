"""Jobs as the API shows them."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from appliance import clock
from controller.actions import ACTIONS
from controller.api.schemas.base import BIGGEST, Out, Page, Query, TextOut
from controller.jobs.states import FINAL, TEXTS, State
from controller.records.tables import Job, JobStep


class StepOut(Out):
    """One step: `state` is pending, running, done, failed, undoing or undone; measured seconds."""

    key: str
    title: TextOut
    state: str
    started_at: str | None
    seconds: float | None


class JobOut(Out):
    """One job: what was asked, by whom, how far it is, and how it ended."""

    id: str
    number: int
    kind: str
    title: TextOut
    object: str
    actor: str
    role: str
    state: State
    state_text: TextOut
    over: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    seconds: float | None = Field(description="from its start to its end, or to now")
    steps: list[StepOut]
    locks: list[str]
    blocked_by: str | None
    resumed: int
    cancel_asked: bool
    audit_number: int
    action: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None

    @classmethod
    def of(cls, job: Job, steps: Iterable[JobStep] = ()) -> "JobOut":
        """Return the API's form of a job row and its steps."""
        made = {"title", "state", "state_text", "over", "seconds", "steps", "action"}
        kept = {name: getattr(job, name) for name in cls.model_fields.keys() - made}
        state = State(job.state)
        return cls(
            **kept,
            title=TextOut(zh=job.title_zh, en=job.title_en),
            state=state,
            state_text=TextOut.of(TEXTS[state]),
            over=state in FINAL,
            seconds=_seconds(job),
            steps=[_step(step) for step in steps],
            action=_shown_action(job),
        )


class JobLineOut(Out):
    """One line of a job's log."""

    id: int
    at: str
    line: str


class JobFilter(Page):
    """Which jobs: of this state, this kind, on this object."""

    state: State | None = None
    kind: str | None = None
    object: str | None = None


class WaitFor(Query):
    """How long to wait for the job's end, seconds."""

    timeout: float = Field(default=20.0, ge=0, le=30)


class LogAfter(Query):
    """Which lines: after the one with this id."""

    after: int = Field(default=0, ge=0, le=BIGGEST)
    limit: int = Field(default=500, ge=1, le=2000)


def _shown_action(job: Job) -> dict[str, Any]:
    """Return what was asked, without what only the worker need read (a guest's user data)."""
    kind = ACTIONS.get(job.kind)
    hidden = kind.hidden if kind is not None else frozenset()
    return {k: "***" if k in hidden and v else v for k, v in job.action.items()}


def _step(step: JobStep) -> StepOut:
    return StepOut(
        key=step.key,
        title=TextOut(zh=step.title_zh, en=step.title_en),
        state=step.state,
        started_at=step.started_at,
        seconds=step.seconds,
    )


def _seconds(job: Job) -> float | None:
    if job.started_at is None:
        return None
    end = job.finished_at or clock.iso()
    span = dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(job.started_at)
    return round(span.total_seconds(), 3)
