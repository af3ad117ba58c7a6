"""Reading console sessions: who looked at which machine, when, and how it ended."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.cluster import ConsoleSession

LIVING = ("asked", "open")


def get(session: Session, session_id: str) -> ConsoleSession:
    """Return one session; raises `NotFound`."""
    found = session.get(ConsoleSession, session_id)
    if found is None:
        raise NotFound(what="控制台会话 console session", name=session_id[:64])
    return found


def many(
    session: Session, *, vm_id: str | None = None, living: bool = False, limit: int = 100
) -> Sequence[ConsoleSession]:
    """Return the newest sessions first, of all machines or of one; `living`: asked or open ones only."""
    rows = select(ConsoleSession).order_by(ConsoleSession.asked_at.desc()).limit(limit)
    if vm_id is not None:
        rows = rows.where(ConsoleSession.vm_id == vm_id)
    if living:
        rows = rows.where(ConsoleSession.state.in_(LIVING))
    return session.scalars(rows).all()


def living(session: Session, vm_id: str) -> int:
    """How many sessions of this machine are asked for or open."""
    count = select(func.count()).where(
        ConsoleSession.vm_id == vm_id, ConsoleSession.state.in_(LIVING)
    )
    return session.scalar(count) or 0
