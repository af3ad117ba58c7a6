"""Which job is next: the oldest whose locks are free; those that wait are told for whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, and_, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from appliance import clock
from controller.jobs.lease import lease_end
from controller.records.tables import Job

HELD = ("running", "undoing")
_LONGEST_LEASE = 600.0  # seconds; a longer one was written by nobody of ours


@dataclass(frozen=True)
class Wanting:
    """A job as the choice sees it."""

    id: str
    number: int
    locks: frozenset[str]


@dataclass(frozen=True)
class Choice:
    """Whether a waiting job may begin now; if not, `blocked_by` says who holds what."""

    id: str
    begins: bool
    blocked_by: str | None = None


def choose(held: Iterable[Wanting], waiting: Sequence[Wanting], slots: int) -> list[Choice]:
    """Decide for each waiting job (oldest first). Nobody overtakes on a lock that an older one wants."""
    holder = {lock: job.number for job in held for lock in job.locks}
    choices = []
    for job in waiting:
        taken = sorted(lock for lock in job.locks if lock in holder)
        begins = not taken and slots > 0
        slots -= begins
        blocked = f"#{holder[taken[0]]} {taken[0]}" if taken else None
        choices.append(Choice(job.id, begins, blocked))
        for lock in job.locks:
            holder.setdefault(lock, job.number)
    return choices


def pending(session: Session, *, room: bool) -> bool:
    """Whether there may be anything to claim (`room`: something new too); costs no write."""
    lapsed = _lapsed(Job.lease_until)
    wanted = select(Job.id).where((Job.state == "waiting") | lapsed if room else lapsed)
    return session.scalar(wanted.limit(1)) is not None


def lapsed(session: Session) -> list[Job]:
    """Jobs in hand whose lease is over (or absurd: no worker leases for so long)."""
    rows = select(Job).where(_lapsed(Job.lease_until)).order_by(Job.number)
    return list(session.scalars(rows))


def set_back(session: Session, accepted: frozenset[str]) -> list[Job]:
    """Jobs that were accepted and have not ended, but whose rows say again that they wait."""
    rows = select(Job).where(Job.state == "waiting", Job.id.in_(accepted)).order_by(Job.number)
    return list(session.scalars(rows))


def free(session: Session, slots: int, holding: Sequence[Wanting] = ()) -> list[Job]:
    """Return the waiting jobs that may begin now, oldest first; tell the others whom they wait for.

    `holding`: what is held beside that which rows say.
    """
    # Columns, not whole jobs: all that wait are looked at whenever one place is free.
    shown = select(Job.id, Job.number, Job.locks, Job.blocked_by)
    held = [*holding]
    held += [_wanting(row) for row in session.execute(shown.where(Job.state.in_(HELD)))]
    waiting = shown.where(Job.state == "waiting").order_by(Job.number)
    rows = session.execute(waiting).all()
    choices = choose(held, [_wanting(row) for row in rows], slots)
    for row, choice in zip(rows, choices, strict=True):
        if choice.blocked_by != row.blocked_by:
            told = update(Job).where(Job.id == row.id).values(blocked_by=choice.blocked_by)
            session.execute(told)
    begin = [choice.id for choice in choices if choice.begins]
    return list(session.scalars(select(Job).where(Job.id.in_(begin)).order_by(Job.number)))


def take(job: Job, worker: str, lease: float) -> None:
    """Put the job into this worker's hands."""
    job.worker, job.lease_until, job.blocked_by = worker, lease_end(lease), None
    job.started_at = job.started_at or clock.iso()


def _lapsed(until: InstrumentedAttribute[str | None]) -> ColumnElement[bool]:
    over = or_(until < clock.iso(), until > lease_end(_LONGEST_LEASE), until.is_(None))
    return and_(Job.state.in_(HELD), over)


def _wanting(row: Row[str, int, list[str], str | None]) -> Wanting:
    # A row may be forged: whatever is not a list of names holds no lock.
    locks: object = row.locks
    names = locks if isinstance(locks, list) else []
    return Wanting(row.id, row.number, frozenset(str(name) for name in names))
