"""How journal events become rows: a message begins one, what comes of it later completes it."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from controller.records.exchange import Transfer
from network.gateway.sealed import FILE, parted
from network.gateway.transfers import Transfer as Event

Row = dict[str, Any]  # the columns of one row, on their way into the records

_OTHER = {"extranet": "intranet", "intranet": "extranet"}
_BEGINS = {"request": "request", "accepted": "store"}
_ENDS = {"answer": "answered", "delivered": "delivered", "dead": "dead", "refused": "failed"}
_ORDERED = {"rerun": "accepted", "drop": "dropped"}
_CHUNK = 500  # deliveries looked up at once
_KEPT = ("state", "rule", "note", "attempts", "latency_ms", "answer", "ended_at", "at", "number")


@dataclass(frozen=True)
class Said:
    """What the policy says of a channel."""

    data_class: str
    purpose: str


Channels = Mapping[str, Said]


def channels(folder: Path) -> dict[str, Said]:
    """Return what the policy file says of each channel, {} without a readable one."""
    try:
        raw = json.loads(parted((folder / FILE).read_bytes())[1])
        return {
            one["id"]: Said(str(one["data_class"]), str(one.get("purpose", "")))
            for one in raw["channels"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


@dataclass
class Rows:
    """The rows that one batch of events makes or changes; nothing is written before `write`."""

    session: Session
    known: Channels
    _new: dict[int, Row] = field(default_factory=dict)
    _old: dict[int, Row] = field(default_factory=dict)
    _by_delivery: dict[str, Row] = field(default_factory=dict)

    def take(self, events: Iterable[Event]) -> None:
        """Work out the rows of these events, which follow those that were taken before."""
        events = list(events)
        self._look_up({e.delivery for e in events if e.delivery})
        for event in events:
            row = self._by_delivery.get(event.delivery) if event.delivery else None
            if row is not None and event.event not in _BEGINS:
                _go_on(row, event)
            elif event.event in _BEGINS or event.event == "refused":
                made = _begun(event, self.known)
                self._new[event.number] = made
                if event.delivery:
                    self._by_delivery[event.delivery] = made

    def write(self) -> None:
        """Put the rows into the records, in the caller's transaction."""
        for made in self._new.values():
            made.pop("changed", None)
        if self._new:
            self.session.execute(insert(Transfer), list(self._new.values()))
        changed = [row for row in self._old.values() if row.pop("changed", False)]
        if changed:
            self.session.execute(update(Transfer), changed)

    def _look_up(self, deliveries: set[str]) -> None:
        names = sorted(deliveries)
        columns = [getattr(Transfer, name) for name in (*_KEPT, "delivery")]
        for at in range(0, len(names), _CHUNK):
            query = select(*columns).where(Transfer.delivery.in_(names[at : at + _CHUNK]))
            for found in self.session.execute(query).mappings():
                row = dict(found)
                self._by_delivery[row.pop("delivery")] = row
                self._old[row["number"]] = row


def _begun(event: Event, known: Channels) -> Row:
    refused = event.event == "refused"
    said = known.get(event.channel, Said("", ""))
    return {
        "number": event.number,
        "at": event.at,
        "channel": event.channel,
        "direction": f"{event.side}->{_OTHER.get(event.side, '?')}",
        "lane": _BEGINS.get(event.event, ""),
        "verdict": "refused" if refused else "allowed",
        "rule": event.rule,
        "data_class": event.data_class or said.data_class,
        "purpose": said.purpose,
        "peer": event.peer,
        "size": event.size,
        "state": "refused" if refused else "accepted",
        "latency_ms": None,
        "hash": event.chain,
        "kind": event.kind or f"{event.method} {event.path}".strip()[:120],
        "address": event.address,
        "delivery": event.delivery,
        "note": event.note if refused else "",
        "found": event.found,
        "dropped": event.dropped,
        "masked": event.masked,
        "inert": event.inert,
        "attempts": 0,
        "count": max(event.count, 1),
        "answer": None,
        "ended_at": event.at if refused else None,
    }


def _go_on(row: Row, event: Event) -> None:
    row["changed"] = True
    row["attempts"] = max(row["attempts"], event.attempts)
    row["note"] = event.note or row["note"]
    if event.event == "ordered":
        _obeyed(row, event)
    elif event.event in _ENDS:
        row["state"] = _ENDS[event.event]
        row["rule"] = event.rule or row["rule"]
        row["latency_ms"] = float(event.latency) or _milliseconds(row["at"], event.at)
        row["ended_at"] = event.at
        row["answer"] = event.number if event.event == "answer" else row["answer"]


def _obeyed(row: Row, event: Event) -> None:
    """An operator's order: run a dead letter again, or give it up; a void one (it has a rule) does nothing."""
    state = None if event.rule else _ORDERED.get(event.method)
    if state is not None:
        row["state"] = state
        row["ended_at"] = event.at if state == "dropped" else None


def _milliseconds(then: str, now: str) -> float:
    passed = dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(then)
    return round(passed.total_seconds() * 1000, 3)
