"""The figures of one day of the exchange (Beijing time), read from the records; nothing in it names a patient."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.clock import BEIJING
from controller.records import alerts, gateway, traffic
from controller.records.exchange import Proof, Transfer
from controller.records.tables import Job
from controller.records.traffic import Span

FORMAT = "hbox-gateway-report/1"
_TOP = 20
_TOUCHING = ("module.approve", "module.remove", "gateway.%")
_LOOKS = ("gateway.look", "gateway.export")


@dataclass(frozen=True)
class Day:
    """One day; `since` and `until` as the records keep instants."""

    name: str

    @property
    def begin(self) -> dt.datetime:
        """Its first instant."""
        return dt.datetime.fromisoformat(self.name).replace(tzinfo=BEIJING)

    @property
    def since(self) -> str:
        """Its first instant, as text."""
        return clock.iso(self.begin)

    @property
    def until(self) -> str:
        """The first instant after it, as text."""
        return clock.iso(self.begin + dt.timedelta(days=1))

    @property
    def span(self) -> Span:
        """Its hours."""
        return Span(self.begin.astimezone(dt.UTC), 24, 60)


def today(ago: int = 0) -> Day:
    """Return this day in Beijing, or the one `ago` days before it."""
    return Day((clock.now().astimezone(BEIJING) - dt.timedelta(days=ago)).date().isoformat())


def figures(session: Session, day: Day, site: str) -> dict[str, Any]:
    """Return the whole report but digest and signature."""
    groups = _groups(session, day)
    return {
        "format": FORMAT,
        "site": site,
        "day": day.name,
        "since": day.since,
        "until": day.until,
        "made_at": clock.iso(),
        "totals": _totals(groups),
        "groups": groups,
        "hours": {
            "seconds": list(day.span.seconds),
            **traffic.verdicts(session, day.span),
            **traffic.latency(session, day.span),
        },
        "latency": _latency(session, day),
        "refusals": _refusals(session, day),
        "personal": _personal(session, day),
        "undelivered": _undelivered(session, day),
        "waiting": [
            {"channel": name, "number": number, "oldest": oldest}
            for name, number, oldest in traffic.waiting(session)
        ],
        "alerts": [_alert(one) for one in alerts.within(session, day.since, day.until)],
        "proofs": _proofs(session, day),
        "changes": _jobs(session, day, looks=False),
        "looks": _jobs(session, day, looks=True),
        "journal": _head(session),
    }


def _groups(session: Session, day: Day) -> list[dict[str, Any]]:
    """One line per channel, direction and data class."""
    keys = (Transfer.channel, Transfer.direction, Transfer.data_class, Transfer.purpose)
    sums = [
        func.sum(column)
        for column in (Transfer.count, Transfer.size, Transfer.dropped, Transfer.masked, Transfer.inert)
    ]  # fmt: skip
    query = select(*keys, Transfer.verdict, Transfer.state, *sums).where(*_on(day))
    lines: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for *key, verdict, state, number, size, dropped, masked, inert in session.execute(
        query.group_by(*keys, Transfer.verdict, Transfer.state)
    ):
        line = lines[tuple(key)]
        line[traffic.outcome(verdict, state)] += number
        line.update(bytes=size, dropped=dropped, masked=masked, inert=inert)
    names = ("channel", "direction", "data_class", "purpose")
    counted = ("passed", "refused", "undelivered", "bytes", "dropped", "masked", "inert")
    return [
        {**dict(zip(names, key, strict=True)), **{name: line[name] for name in counted}}
        for key, line in sorted(lines.items())
    ]


def _totals(groups: list[dict[str, Any]]) -> dict[str, int]:
    names = ("passed", "refused", "undelivered", "bytes", "dropped", "masked", "inert")
    return {name: sum(group[name] for group in groups) for name in names}


def _latency(session: Session, day: Day) -> list[dict[str, Any]]:
    query = select(Transfer.channel, Transfer.latency_ms)
    held: dict[str, list[float]] = defaultdict(list)
    for channel, value in session.execute(query.where(*_on(day), Transfer.latency_ms.is_not(None))):
        held[channel].append(float(value or 0.0))
    return [
        {
            "channel": channel,
            "number": len(values),
            "p50": traffic.quantile(sorted(values), 0.5),
            "p95": traffic.quantile(sorted(values), 0.95),
            "max": round(max(values), 1),
        }
        for channel, values in sorted(held.items())
    ]


def _refusals(session: Session, day: Day) -> list[dict[str, Any]]:
    total = func.sum(Transfer.count)
    keys = (Transfer.rule, Transfer.peer, Transfer.channel)
    query = select(*keys, total).where(*_on(day), Transfer.verdict == "refused").group_by(*keys)
    names = gateway.names(session)
    return [
        {"rule": rule, "peer": peer, "who": names.get(peer, ""), "channel": channel, "number": int(n)}
        for rule, peer, channel, n in session.execute(query.order_by(total.desc()).limit(_TOP))
    ]  # fmt: skip


def _personal(session: Session, day: Day) -> list[dict[str, Any]]:
    query = select(Transfer.channel, Transfer.found, Transfer.verdict, func.sum(Transfer.count))
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for channel, held, verdict, number in session.execute(
        query.where(*_on(day), Transfer.found != "").group_by(
            Transfer.channel, Transfer.found, Transfer.verdict
        )
    ):
        line = found[(channel, verdict)]
        line["messages"] += int(number)
        for part in held.split(","):
            kind, _, times = part.partition(":")
            line[kind] += int(number) * (int(times) if times.isdigit() else 1)
    return [
        {"channel": channel, "verdict": verdict, **line}
        for (channel, verdict), line in sorted(found.items())
    ]


def _undelivered(session: Session, day: Day) -> list[dict[str, Any]]:
    query = select(Transfer).where(*_on(day), Transfer.state.in_(traffic.UNDELIVERED))
    names = ("number", "at", "channel", "kind", "state", "rule", "attempts", "delivery")
    return [
        {name: getattr(row, name) for name in names}
        for row in session.scalars(query.order_by(Transfer.number).limit(_TOP * 10))
    ]


def _alert(alert: Any) -> dict[str, Any]:
    told = alerts.what(alert)
    return {
        "rule": alert.rule, "subject": alert.subject, "tone": alert.tone, "what": told.as_dict(),
        "opened_at": alert.opened_at, "closed_at": alert.closed_at,
        "acknowledged_by": alert.acknowledged_by,
    }  # fmt: skip


def _proofs(session: Session, day: Day) -> list[dict[str, Any]]:
    query = select(Proof).where(Proof.at >= day.since, Proof.at < day.until).order_by(Proof.at)
    return [
        {
            "at": row.at, "level": row.level, "open_ways": row.open_ways,
            "verdicts": dict(Counter(one.get("verdict") for one in row.document.get("findings", ()))),
        }
        for row in session.scalars(query)
    ]  # fmt: skip


def _jobs(session: Session, day: Day, *, looks: bool) -> list[dict[str, Any]]:
    """What people did to the exchange that day: changes, or looks into it."""
    touching = [Job.kind.like(pattern) for pattern in _TOUCHING]
    of = Job.kind.in_(_LOOKS) if looks else Job.kind.not_in((*_LOOKS, "gateway.report"))
    condition = touching[0] | touching[1] | touching[2]
    query = select(Job).where(
        condition, of, Job.created_at >= day.since, Job.created_at < day.until
    )
    return [
        {
            "number": job.number, "at": job.created_at, "kind": job.kind, "actor": job.actor,
            "role": job.role, "title": {"zh": job.title_zh, "en": job.title_en}, "state": job.state,
        }
        for job in session.scalars(query.order_by(Job.number))
    ]  # fmt: skip


def _head(session: Session) -> dict[str, Any] | None:
    row = gateway.index_of(session)
    if row is None:
        return None
    return {"number": row.number, "chain": row.chain, "at": row.at, "broken": row.broken}


def _on(day: Day) -> tuple[Any, ...]:
    return (Transfer.at >= day.since, Transfer.at < day.until)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the records keep of a report, for lists."""
    worst = [one for one in found["proofs"] if one["open_ways"]]
    return {
        **found["totals"],
        "alerts": len(found["alerts"]),
        "proofs": len(found["proofs"]),
        "open_ways": sum(one["open_ways"] for one in worst),
        "changes": len(found["changes"]),
    }
