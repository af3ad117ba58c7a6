"""Figures of the exchange over time: messages a minute, latency, queues, refusals; gaps stay gaps."""

import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from appliance import clock
from controller.records.exchange import GatewayMinute, GatewayReport, Transfer

UNDELIVERED = ("dead", "failed", "dropped")
_MINUTE = 16  # characters of RFC 3339 up to the minute

Line = tuple[float | None, ...]
"""One figure per step; None where nobody knows."""


@dataclass(frozen=True)
class Span:
    """The time from `begin` in `steps` steps of `width` minutes each, all of them over."""

    begin: dt.datetime
    steps: int
    width: int = 1

    @classmethod
    def back(cls, minutes: int, width: int = 1) -> "Span":
        """Return the last `minutes` minutes; the present minute is left out, it is not over yet."""
        now = clock.now().replace(second=0, microsecond=0)
        return cls(now - dt.timedelta(minutes=minutes), minutes // width, width)

    @property
    def end(self) -> dt.datetime:
        """The first instant after it."""
        return self.begin + dt.timedelta(minutes=self.steps * self.width)

    @property
    def seconds(self) -> tuple[int, ...]:
        """Where each step begins, Unix seconds."""
        first = int(self.begin.timestamp())
        return tuple(first + n * 60 * self.width for n in range(self.steps))

    def step(self, minute: str) -> int:
        """Return the step in which a minute (`YYYY-MM-DDTHH:MM`, UTC) lies."""
        at = dt.datetime.fromisoformat(f"{minute}:00+00:00")
        return int((at - self.begin).total_seconds() // (60 * self.width))


def dark(session: Session, span: Span) -> tuple[bool, ...]:
    """Return for each step whether nothing is known of it: nobody looked, or the gateway was down."""
    known = select(GatewayMinute.minute, GatewayMinute.alive).where(
        GatewayMinute.minute >= _text(span.begin), GatewayMinute.minute < _text(span.end)
    )
    seen = {span.step(minute) for minute, alive in session.execute(known) if alive}
    minute = func.substr(Transfer.at, 1, _MINUTE)
    busy = select(minute).where(*_within(span)).distinct()
    seen |= {span.step(held) for held in session.scalars(busy)}
    return tuple(n not in seen for n in range(span.steps))


def verdicts(session: Session, span: Span) -> dict[str, Line]:
    """Return messages per step: `passed`, `refused`, and `undelivered` (dead, dropped or failed)."""
    minute = func.substr(Transfer.at, 1, _MINUTE)
    query = select(minute, Transfer.verdict, Transfer.state, func.sum(Transfer.count))
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for at, verdict, state, number in session.execute(
        query.where(*_within(span)).group_by(minute, Transfer.verdict, Transfer.state)
    ):
        found[outcome(verdict, state)][span.step(at)] += number
    hidden = dark(session, span)
    return {
        name: tuple(None if hidden[n] else float(found[name][n]) for n in range(span.steps))
        for name in ("passed", "refused", "undelivered")
    }


def outcome(verdict: str, state: str) -> str:
    """Return what became of a message: `passed`, `refused` or `undelivered`."""
    if verdict == "refused":
        return "refused"
    return "undelivered" if state in UNDELIVERED else "passed"


def latency(session: Session, span: Span) -> dict[str, Line]:
    """Return the median and the 95th percentile of latency per step, milliseconds."""
    minute = func.substr(Transfer.at, 1, _MINUTE)
    query = select(minute, Transfer.latency_ms).where(
        *_within(span), Transfer.latency_ms.is_not(None)
    )
    held: dict[int, list[float]] = defaultdict(list)
    for at, value in session.execute(query):
        held[span.step(at)].append(value)
    for values in held.values():
        values.sort()
    return {
        name: tuple(quantile(held[n], part) if n in held else None for n in range(span.steps))
        for name, part in (("p50", 0.5), ("p95", 0.95))
    }


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """Return the `part` quantile (nearest rank) of ordered values, None of none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1)


def queues(session: Session, span: Span) -> dict[str, Line]:
    """Return how many stored messages of each channel waited at the end of each step."""
    query = select(Transfer.channel, Transfer.at, Transfer.ended_at).where(
        Transfer.lane == "store",
        Transfer.at < clock.iso(span.end),
        or_(Transfer.ended_at.is_(None), Transfer.ended_at >= clock.iso(span.begin)),
    )
    came: dict[str, list[str]] = defaultdict(list)
    went: dict[str, list[str]] = defaultdict(list)
    for channel, at, ended in session.execute(query):
        came[channel].append(at)
        if ended is not None:
            went[channel].append(ended)
    hidden = dark(session, span)
    ends = [
        clock.iso(span.begin + dt.timedelta(minutes=(n + 1) * span.width))
        for n in range(span.steps)
    ]
    return {
        channel: _depths(sorted(came[channel]), sorted(went[channel]), ends, hidden)
        for channel in sorted(came)
    }


def _depths(
    came: Sequence[str], went: Sequence[str], ends: Iterable[str], hidden: Sequence[bool]
) -> Line:
    return tuple(
        None if dim else float(bisect_right(came, end) - bisect_right(went, end))
        for end, dim in zip(ends, hidden, strict=True)
    )


def refusals(session: Session, since: str, until: str = "9") -> list[tuple[str, int]]:
    """Return how many messages each rule refused in that time, most first."""
    total = func.sum(Transfer.count)
    query = (
        select(Transfer.rule, total)
        .where(Transfer.verdict == "refused", Transfer.at >= since, Transfer.at < until)
        .group_by(Transfer.rule)
        .order_by(total.desc())
    )
    return [(rule, int(number)) for rule, number in session.execute(query)]


def waiting(session: Session) -> list[tuple[str, int, str]]:
    """Return for each channel with a queue: its name, how many wait, since when the oldest does."""
    query = (
        select(Transfer.channel, func.count(), func.min(Transfer.at))
        .where(Transfer.state == "accepted", Transfer.lane == "store")
        .group_by(Transfer.channel)
    )
    return [(name, int(number), oldest) for name, number, oldest in session.execute(query)]


def dead(session: Session, limit: int = 50) -> list[Transfer]:
    """Return the dead letters that nobody has settled, oldest first."""
    query = select(Transfer).where(Transfer.state == "dead").order_by(Transfer.number)
    return list(session.scalars(query.limit(limit)))


def dead_by_channel(session: Session) -> dict[str, int]:
    """Return how many unsettled dead letters each channel has."""
    query = select(Transfer.channel, func.count()).where(Transfer.state == "dead")
    return {name: int(n) for name, n in session.execute(query.group_by(Transfer.channel))}


def reports(session: Session, limit: int = 60) -> list[GatewayReport]:
    """Return the daily reports, the latest day first."""
    return list(
        session.scalars(select(GatewayReport).order_by(GatewayReport.day.desc()).limit(limit))
    )


def _within(span: Span) -> tuple[ColumnElement[bool], ...]:
    return (Transfer.at >= clock.iso(span.begin), Transfer.at < clock.iso(span.end))


def _text(instant: dt.datetime) -> str:
    return clock.iso(instant)[:_MINUTE]
