"""Reading channel changes: the list, one of them, the versions of a channel."""

import difflib

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.records.exchange import ChannelChange


def many(
    session: Session, *, channel: str | None = None, state: str | None = None, limit: int = 100,
    before: int | None = None,
) -> list[ChannelChange]:  # fmt: skip
    """Return changes, newest first."""
    query = select(ChannelChange).order_by(ChannelChange.number.desc()).limit(limit)
    if channel is not None:
        query = query.where(ChannelChange.channel == channel)
    if state is not None:
        query = query.where(ChannelChange.state == state)
    if before is not None:
        query = query.where(ChannelChange.number < before)
    return list(session.scalars(query))


def versions(session: Session, channel: str) -> list[ChannelChange]:
    """Return the changes that were put in force for this channel, newest first."""
    query = select(ChannelChange).where(
        ChannelChange.channel == channel, ChannelChange.version.is_not(None)
    )
    return list(session.scalars(query.order_by(ChannelChange.version.desc())))


def current(session: Session) -> dict[str, ChannelChange]:
    """Return the change that made the version in force, by channel; removed ones are absent."""
    query = select(ChannelChange).where(ChannelChange.version.is_not(None))
    found = {row.channel: row for row in session.scalars(query.order_by(ChannelChange.version))}
    return {name: row for name, row in found.items() if row.op != "remove"}


def tried(row: ChannelChange) -> bool:
    """Whether the dry run that was made is one of exactly this change."""
    return bool(row.trial and row.trial.get("digest") == row.digest)


def difference(before: str, after: str) -> str:
    """Return the unified difference of two channel texts."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "当前 now", "变更后 then", lineterm=""
    )
    return "\n".join(lines)
