"""What met the gateway: the list with its filter, and how much per minute passed or was refused."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import clock
from controller.records.tables import Job, Transfer

STOPPED = ("refused", "dead")
_TOUCHING = ("module.approve", "module.remove", "gateway.prove")
_MINUTE = 16  # characters of RFC 3339 up to the minute


@dataclass(frozen=True)
class Rate:
    """Messages per minute: `minutes` are Unix seconds; None where nothing is known yet."""

    minutes: tuple[int, ...]
    passed: tuple[int | None, ...]
    refused: tuple[int | None, ...]


def known(session: Session) -> tuple[list[str], list[str]]:
    """Return the channels and the verdicts that occur, for the filter's choices."""
    channels = session.scalars(select(Transfer.channel).distinct().order_by(Transfer.channel))
    verdicts = session.scalars(select(Transfer.verdict).distinct().order_by(Transfer.verdict))
    return [name for name in channels if name], list(verdicts)


def counts(session: Session, since: dt.datetime) -> dict[str, int]:
    """Return how many transfers of each verdict were seen since then."""
    query = select(Transfer.verdict, func.count()).where(Transfer.at >= clock.iso(since))
    return dict(session.execute(query.group_by(Transfer.verdict)).all())


def by_channel(session: Session, since: dt.datetime) -> dict[str, int]:
    """Return how many messages of each channel passed since then."""
    query = select(Transfer.channel, func.count()).where(
        Transfer.at >= clock.iso(since), Transfer.verdict.not_in(STOPPED)
    )
    return dict(session.execute(query.group_by(Transfer.channel)).all())


def events(session: Session, minutes: int) -> list[Job]:
    """Return the jobs that changed what may cross, or tried it, in the last `minutes`; oldest first."""
    begin = clock.iso(clock.now() - dt.timedelta(minutes=minutes))
    query = select(Job).where(Job.kind.in_(_TOUCHING), Job.started_at >= begin)
    return list(session.scalars(query.order_by(Job.number.desc()).limit(9)))[::-1]


def rate(session: Session, minutes: int) -> Rate:
    """Return the last `minutes` minutes that are over; before the very first transfer nothing is known."""
    # The present minute is not over: drawn, it would look like a fall.
    now = clock.now().replace(second=0, microsecond=0)
    begin = now - dt.timedelta(minutes=minutes)
    first = session.scalar(select(func.min(Transfer.at)))
    minute = func.substr(Transfer.at, 1, _MINUTE)
    query = select(minute, Transfer.verdict, func.count()).where(Transfer.at >= clock.iso(begin))
    passed: dict[str, int] = {}
    refused: dict[str, int] = {}
    for when, verdict, number in session.execute(query.group_by(minute, Transfer.verdict)):
        kept = refused if verdict in STOPPED else passed
        kept[when] = kept.get(when, 0) + number
    steps = [begin + dt.timedelta(minutes=n) for n in range(minutes)]
    keys = [clock.iso(step)[:_MINUTE] for step in steps]
    dark = [first is None or key < first[:_MINUTE] for key in keys]
    return Rate(
        tuple(int(step.timestamp()) for step in steps),
        tuple(
            None if hidden else passed.get(key, 0) for key, hidden in zip(keys, dark, strict=True)
        ),
        tuple(
            None if hidden else refused.get(key, 0) for key, hidden in zip(keys, dark, strict=True)
        ),
    )
