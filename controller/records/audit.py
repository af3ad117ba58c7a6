"""The audit chain in the records: append within the caller's transaction, read, verify."""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit, clock
from controller.records.tables import AuditEntry

_FIELDS = (
    "number",
    "at",
    "actor",
    "role",
    "act",
    "object",
    "detail",
    "outcome",
    "previous",
    "hash",
)


_BATCH = 1000


def append(session: Session, entry: audit.Entry) -> AuditEntry:
    """Add `entry` at the end of the chain; its number, time and links are filled in here.

    The row is flushed. Writers take turns (`records.session`), so the last entry is still the last.
    """
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))
    number, previous = (last.number + 1, last.hash) if last else (1, audit.GENESIS)
    placed = audit.Entry(
        number=number,
        at=clock.iso(),
        actor=entry.actor,
        role=entry.role,
        act=entry.act,
        object=entry.object,
        detail=entry.detail,
        outcome=entry.outcome,
        previous=previous,
    )
    linked = audit.link(placed, previous)
    row = AuditEntry(**{name: getattr(linked, name) for name in _FIELDS})
    session.add(row)
    session.flush()
    return row


def entry(
    actor: str, role: str, act: str, *, on: str, outcome: str, detail: str = ""
) -> audit.Entry:
    """Make an entry not yet placed in the chain: `act` was done to `on`; no secret in `detail`."""
    return audit.Entry(0, "", actor, role, act, on, detail, outcome, "")


def as_entry(row: AuditEntry) -> audit.Entry:
    """Return the row in the form the chain is verified in."""
    return audit.Entry(**{name: getattr(row, name) for name in _FIELDS})


def entries(session: Session) -> Iterator[audit.Entry]:
    """Give the whole chain in order, a thousand rows in memory at a time."""
    columns = [getattr(AuditEntry, name) for name in _FIELDS]
    ordered = select(*columns).order_by(AuditEntry.number).limit(_BATCH)
    rows = session.execute(ordered).all()
    while rows:
        for row in rows:
            yield audit.Entry(**row._mapping)
        after, full = rows[-1].number, len(rows) == _BATCH
        rows = session.execute(ordered.where(AuditEntry.number > after)).all() if full else []


def page(session: Session, *, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
    """Return up to `limit` entries, newest first, older than number `before`."""
    wanted = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(AuditEntry.number < before)
    return list(session.scalars(wanted))


def length(session: Session) -> int:
    """How many entries the chain has."""
    return session.scalar(select(func.max(AuditEntry.number))) or 0
