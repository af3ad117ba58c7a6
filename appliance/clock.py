"""The only reader of time: UTC instants for records, a monotonic clock for durations."""

import datetime as dt
import time

BEIJING = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")
"""One time for the whole country, without summer time (GB/T 7408): what people type and read."""


def now() -> dt.datetime:
    """Return the present instant, timezone-aware, in UTC."""
    return dt.datetime.now(tz=dt.UTC)


def local() -> dt.datetime:
    """Return the present instant in Beijing time, whatever the node's own zone is."""
    return now().astimezone(BEIJING)


def read_iso(text: str) -> dt.datetime:
    """Return the instant that `iso` wrote; raises `ValueError`."""
    return dt.datetime.fromisoformat(text)


def beijing(text: str) -> str:
    """Return a kept time (ISO 8601) as people read it: Beijing time, to the second."""
    return read_iso(text).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S（北京时间 UTC+8）")


def iso(instant: dt.datetime | None = None) -> str:
    """Return `instant` (default: now) as RFC 3339 in UTC with microseconds."""
    return (instant or now()).astimezone(dt.UTC).isoformat(timespec="microseconds")


def monotonic() -> float:
    """Return seconds on a clock that never jumps; only differences mean anything."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Sleep for `seconds`."""
    time.sleep(seconds)
