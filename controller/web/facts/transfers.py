"""What met the gateway, as pages show it: choices of the search, counts, and the plots' figures."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import clock
from controller.records import traffic
from controller.records.exchange import GatewayMinute, Transfer
from controller.records.tables import Job
from controller.records.traffic import Line, Span

_TOUCHING = (
    "module.approve", "module.remove", "gateway.prove", "gateway.change.approve",
    "gateway.channel.pause", "gateway.channel.resume", "gateway.dead.rerun",
)  # fmt: skip
_TOP = 8
_QUEUES = 5  # lines that a plot can carry


@dataclass(frozen=True)
class Choices:
    """What occurs in the records, for the search's lists."""

    channels: tuple[str, ...]
    rules: tuple[str, ...]
    kinds: tuple[str, ...]
    classes: tuple[str, ...]


def known(session: Session) -> Choices:
    """Return the choices of the search."""
    columns = (Transfer.channel, Transfer.rule, Transfer.kind, Transfer.data_class)
    held = [
        tuple(v for v in session.scalars(select(c).distinct().order_by(c).limit(200)) if v)
        for c in columns
    ]
    return Choices(*held)


def counts(session: Session, since: dt.datetime) -> dict[str, int]:
    """Return how many messages since then were `passed`, `refused` and `undelivered`."""
    query = select(Transfer.verdict, Transfer.state, func.sum(Transfer.count)).where(
        Transfer.at >= clock.iso(since)
    )
    found = dict.fromkeys(("passed", "refused", "undelivered"), 0)
    for verdict, state, number in session.execute(query.group_by(Transfer.verdict, Transfer.state)):
        found[traffic.outcome(verdict, state)] += int(number)
    return found


def by_channel(session: Session, since: dt.datetime) -> dict[str, int]:
    """Return how many messages of each channel passed since then."""
    query = select(Transfer.channel, func.count()).where(
        Transfer.at >= clock.iso(since),
        Transfer.verdict == "allowed",
        Transfer.state.not_in(traffic.UNDELIVERED),
    )
    return {name: int(n) for name, n in session.execute(query.group_by(Transfer.channel))}


def events(session: Session, minutes: int) -> list[Job]:
    """Return the jobs that changed what may cross, or tried it, in the last `minutes`; oldest first."""
    begin = clock.iso(clock.now() - dt.timedelta(minutes=minutes))
    query = select(Job).where(Job.kind.in_(_TOUCHING), Job.started_at >= begin)
    return list(session.scalars(query.order_by(Job.number.desc()).limit(9)))[::-1]


def starts(session: Session, minutes: int) -> list[str]:
    """Return when the gateway's guard began in the last `minutes`: instants, to the minute."""
    begin = clock.iso(clock.now() - dt.timedelta(minutes=minutes))[:16]
    query = select(GatewayMinute.minute).where(
        GatewayMinute.minute >= begin, GatewayMinute.starts > 0
    )
    return [
        f"{minute}:00+00:00" for minute in session.scalars(query.order_by(GatewayMinute.minute))
    ]


def refused_by_rule(session: Session, minutes: int) -> list[tuple[str, int]]:
    """Return the rules that refused most in the last `minutes`."""
    since = clock.iso(clock.now() - dt.timedelta(minutes=minutes))
    return traffic.refusals(session, since)[:_TOP]


def plots(session: Session, minutes: int) -> dict[str, Any]:
    """Return the figures of all plots: `minutes` are Unix seconds; null where nothing is known."""
    span = Span.back(minutes)
    counted, times = traffic.verdicts(session, span), traffic.latency(session, span)
    waiting = sorted(traffic.queues(session, span).items(), key=_depth, reverse=True)
    return {
        "minutes": span.seconds,
        "plots": {
            "verdicts": [
                _line("放行 passed", "accent", counted["passed"]),
                _line("拒绝 refused", "bad", counted["refused"]),
                _line("未送达 undelivered", "warn", counted["undelivered"]),
            ],
            "latency": [_line("p50 ms", "accent", times["p50"]), _line("p95 ms", "warn", times["p95"])],
            "queues": [
                _line(name, f"line{n}", depth) for n, (name, depth) in enumerate(waiting[:_QUEUES])
            ],
        },
    }  # fmt: skip


def _line(label: str, tone: str, values: Line) -> dict[str, Any]:
    return {"label": label, "tone": tone, "values": values}


def _depth(queue: tuple[str, Line]) -> float:
    return max((value for value in queue[1] if value is not None), default=0.0)
