"""Reading jobs: one, many, steps, lines."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.tables import Job, JobLine, JobStep


@dataclass(frozen=True)
class Wanted:
    """Which jobs, newest first: every part given narrows it; `objects` None means any.

    `within` is a condition on rows beside these: what the asker may see.
    """

    state: str | None = None
    kind: str | None = None
    objects: tuple[str, ...] | None = None
    before: int | None = None
    limit: int = 100
    within: ColumnElement[bool] = field(default_factory=true)


def get(session: Session, name: str) -> Job:
    """Return a job by its id or its number; raise `NotFound`."""
    found = session.get(Job, name)
    if found is None and name.isascii() and name.isdigit() and len(name) < 19:
        found = session.scalar(select(Job).where(Job.number == int(name)))
    if found is None:
        raise NotFound(what="任务 job", name=name)
    return found


def is_within(session: Session, job_id: str, condition: ColumnElement[bool]) -> bool:
    """Whether the job fulfils a condition on its row."""
    return session.scalar(select(Job.id).where(Job.id == job_id, condition)) is not None


def many(session: Session, wanted: Wanted) -> list[Job]:
    """Return the jobs that are wanted."""
    query = select(Job).where(wanted.within).order_by(Job.number.desc()).limit(wanted.limit)
    if wanted.state is not None:
        query = query.where(Job.state == wanted.state)
    if wanted.kind is not None:
        query = query.where(Job.kind == wanted.kind)
    if wanted.objects is not None:
        query = query.where(Job.object.in_(wanted.objects))
    if wanted.before is not None:
        query = query.where(Job.number < wanted.before)
    return list(session.scalars(query))


def steps(session: Session, job_id: str) -> list[JobStep]:
    """Return a job's steps in order."""
    query = select(JobStep).where(JobStep.job_id == job_id).order_by(JobStep.position)
    return list(session.scalars(query))


def lines(session: Session, job_id: str, *, after: int = 0, limit: int = 500) -> list[JobLine]:
    """Return up to `limit` log lines of a job, after the line with id `after`."""
    query = select(JobLine).where(JobLine.job_id == job_id, JobLine.id > after)
    return list(session.scalars(query.order_by(JobLine.id).limit(limit)))


def counts(session: Session) -> dict[str, int]:
    """Return how many jobs there are in each state."""
    rows = session.execute(select(Job.state, func.count()).group_by(Job.state))
    return {row[0]: row[1] for row in rows}
