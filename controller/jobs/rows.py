"""What the worker writes into a job's rows, for people to see; its own memory is the ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import clock
from appliance.canonical import canonical
from controller.jobs.ledger import Progress
from controller.jobs.states import State
from controller.jobs.steps import Step
from controller.records import audit
from controller.records.tables import Job, JobStep

WORKER = "hbox-work"


def lay_out(session: Session, job_id: str, steps: Sequence[Step], progress: Progress) -> None:
    """Write the job's list of steps anew, each as far as the ledger says it came."""
    known = {s.position: s for s in session.query(JobStep).filter_by(job_id=job_id)}
    past = {p: (s.started_at, s.seconds) for p, s in known.items() if p in progress.begun}
    session.execute(delete(JobStep).where(JobStep.job_id == job_id))
    session.expunge_all()
    for position, step in enumerate(steps):
        started, seconds = past.get(position, (None, None))
        session.add(
            JobStep(
                job_id=job_id,
                position=position,
                key=step.key,
                title_zh=step.title.zh,
                title_en=step.title.en,
                state=_state(position, progress),
                started_at=started,
                seconds=seconds,
            )
        )


def mark(
    session: Session, job_id: str, position: int, state: str, seconds: float | None = None
) -> None:
    """Record that a step is now `state`; `seconds` is what it took, measured."""
    step = session.get(JobStep, (job_id, position))
    if step is None:
        return
    step.state = state
    if state == "running":
        step.started_at = clock.iso()
    if seconds is not None:
        step.seconds = round(seconds, 3)


def end(session: Session, job: Job, state: State, error: dict[str, Any] | None) -> None:
    """Record the job's end and its audit entry."""
    job.state = str(state)
    job.finished_at = clock.iso()
    job.error = error
    job.worker = job.lease_until = job.blocked_by = None
    witness(session, job.id, job.kind, state, actor=job.actor, error=error)


def witness(
    session: Session,
    job_id: str,
    kind: str,
    state: State,
    *,
    actor: str,
    error: dict[str, Any] | None = None,
) -> None:
    """Append the audit entry of a job's end. It is the worker that says so, for `actor`."""
    detail = {"job": job_id, "for": actor, "error": error["code"] if error else None}
    entry = audit.entry(
        WORKER,
        "worker",
        kind[:64],
        on=f"job/{job_id}",
        outcome=str(state),
        detail=canonical(detail).decode(),
    )
    audit.append(session, entry)


def _state(position: int, progress: Progress) -> str:
    if position in progress.undone:
        return "undone"
    if position in progress.done:
        return "done"
    return "running" if position in progress.begun else "pending"
