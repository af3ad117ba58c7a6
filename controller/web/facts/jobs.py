"""Jobs as a person follows them: steps with measured seconds and a range from earlier runs."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.clock import now
from appliance.errors import Text
from controller.records.tables import Job, JobLine, JobStep, Module

ACTIVE = ("waiting", "running", "undoing")
_REMEMBERED = 10  # earlier runs that an estimate looks at
_LINES = 200


@dataclass(frozen=True)
class Range:
    """Seconds that something took in `runs` earlier runs: the quickest and the slowest."""

    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class StepView:
    """One step: `seconds` is measured, up to now while it runs."""

    number: int
    title: Text
    state: str
    seconds: float | None
    guess: Range | None


@dataclass(frozen=True)
class JobView:
    """A job with all that its page shows; `left` is the range still to come while it runs."""

    row: Job
    steps: tuple[StepView, ...]
    lines: tuple[JobLine, ...]
    seconds: float | None
    left: Range | None

    @property
    def active(self) -> bool:
        """Whether anything about it will still change."""
        return self.row.state in ACTIVE


def elapsed(began: str | None, ended: str | None) -> float | None:
    """Seconds from `began` to `ended` (RFC 3339), to now while it has not ended; None before."""
    if began is None:
        return None
    end = dt.datetime.fromisoformat(ended) if ended else now()
    return max(0.0, (end - dt.datetime.fromisoformat(began)).total_seconds())


def view(session: Session, job: Job) -> JobView:
    """Return the job with its steps, estimates and the last log lines."""
    guesses = estimates(session, job.kind)
    rows = session.scalars(
        select(JobStep).where(JobStep.job_id == job.id).order_by(JobStep.position)
    )
    steps = tuple(_step(row, guesses.get(row.key)) for row in rows)
    newest = session.scalars(
        select(JobLine).where(JobLine.job_id == job.id).order_by(JobLine.id.desc()).limit(_LINES)
    )
    lines = tuple(reversed(newest.all()))
    left = _left(steps) if job.state == "running" else None
    return JobView(job, steps, lines, elapsed(job.started_at, job.finished_at), left)


def estimates(session: Session, kind: str) -> dict[str, Range]:
    """Return, by step key, how long the steps of the last succeeded jobs of this kind took."""
    recent = (
        select(Job.id)
        .where(Job.kind == kind, Job.state == "succeeded")
        .order_by(Job.number.desc())
        .limit(_REMEMBERED)
    )
    rows = session.execute(
        select(JobStep.key, JobStep.seconds).where(
            JobStep.job_id.in_(recent), JobStep.state == "done", JobStep.seconds.is_not(None)
        )
    )
    past: dict[str, list[float]] = {}
    for key, took in rows:
        past.setdefault(key, []).append(took or 0.0)
    return {key: Range(min(all_), max(all_), len(all_)) for key, all_ in past.items()}


def active(session: Session, *, limit: int = 20) -> list[Job]:
    """Return the jobs that wait or run, oldest first."""
    rows = select(Job).where(Job.state.in_(ACTIVE)).order_by(Job.number).limit(limit)
    return list(session.scalars(rows))


def of_vendor(session: Session, vendor: str | None) -> list[str]:
    """Return the object names (`module/<id>`) whose jobs a vendor may see."""
    ids = session.scalars(select(Module.id).where(Module.vendor == vendor))
    return [f"module/{each}" for each in ids]


def _step(row: JobStep, guess: Range | None) -> StepView:
    took = row.seconds
    if took is None and row.state in ("running", "undoing"):
        took = elapsed(row.started_at, None)
    return StepView(row.position + 1, Text(row.title_zh, row.title_en), row.state, took, guess)


def _left(steps: tuple[StepView, ...]) -> Range | None:
    open_steps = [step for step in steps if step.state in ("pending", "running")]
    if not open_steps or any(step.guess is None for step in open_steps):
        return None  # one step was never measured: no honest range for the whole
    guesses = [(step.guess, step.seconds or 0.0) for step in open_steps if step.guess]
    return Range(
        sum(max(0.0, guess.low - spent) for guess, spent in guesses),
        sum(max(0.0, guess.high - spent) for guess, spent in guesses),
        min(guess.runs for guess, _ in guesses),
    )
