"""What the box's guards said lately: the intrusion detectors of all nodes, file integrity and log store of this one."""

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

STORE = Path("/var/log/hbox-store")
REPORT = Path("/var/log/aide/aide.log")
_TAIL = 512 * 1024  # bytes of a node's day that are read each time
_WINDOW = dt.timedelta(hours=1)
_MOST = 10  # sources that are told one by one
_LINE = re.compile(r"^(\S+) \S+ \S+ \S+ suricata\[\d+\]:? (\{.*\})$")
_COUNTED = re.compile(r"^\s*(?:Added|Removed|Changed) entries:\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Intrusion:
    """What one source did within the last hour: how many alarms, and what most of them said."""

    source: str
    number: int
    most: str


@dataclass(frozen=True)
class Guards:
    """`changed`: files that are not as they were; `room`: False where the store will not hold its time."""

    intrusions: tuple[Intrusion, ...] = ()
    changed: int = 0
    room: bool = True
    missing: int = field(default=0)  # MiB that the store will lack


def read(now: dt.datetime, store: Path = STORE, report: Path = REPORT) -> Guards:
    """Return what lies there; what cannot be read says nothing."""
    room, missing = _plan(store / "plan.json")
    return Guards(tuple(_intrusions(store, now)), _changed(report), room, missing)


def intrusions(lines: Iterator[str], now: dt.datetime) -> list[Intrusion]:
    """Return who did what in lines of the store, the busiest first; pure."""
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        found = _LINE.match(line)
        event = _event(found[2]) if found else None
        if found and event and now - dt.datetime.fromisoformat(found[1]) <= _WINDOW:
            told[str(event.get("src_ip", "?"))][_signature(event)] += 1
    seen = [Intrusion(who, all_.total(), all_.most_common(1)[0][0]) for who, all_ in told.items()]
    return sorted(seen, key=lambda one: (-one.number, one.source))[:_MOST]


def _event(text: str) -> dict[str, object] | None:
    try:
        made = json.loads(text)
    except ValueError:
        return None  # cut off, or no line of the detector's
    return made if isinstance(made, dict) and made.get("event_type") == "alert" else None


def _signature(event: dict[str, object]) -> str:
    alert = event.get("alert")
    return str(alert.get("signature", "?"))[:120] if isinstance(alert, dict) else "?"


def _intrusions(store: Path, now: dt.datetime) -> list[Intrusion]:
    days = {day.date().isoformat() for day in (now, now - _WINDOW)}
    paths = [path for day in sorted(days) for path in sorted(store.glob(f"*/{day}.log"))]
    return intrusions((line for path in paths for line in _tail(path)), now)


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read(_TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _changed(report: Path) -> int:
    try:
        return sum(int(number) for number in _COUNTED.findall(report.read_text("utf-8", "replace")))
    except OSError:
        return 0


def _plan(path: Path) -> tuple[bool, int]:
    try:
        made = json.loads(path.read_text("utf-8"))
        return bool(made["enough"]), max(0, int(made["needed"]) - int(made["free"])) >> 20
    except (OSError, ValueError, KeyError, TypeError):
        return True, 0
