"""Retention: whole segments of the journal are removed when all they hold is final, old enough and sealed.

A signed anchor then says where the journal begins, so that what is left still proves itself.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.canonical import canonical
from appliance.files import write_atomically
from network.gateway import heads
from network.gateway.channel import Channel
from network.gateway.examine import Evidence, examine
from network.gateway.heads import Head, Signers
from network.gateway.records import Record
from network.gateway.segments import (
    anchor_file,
    segments,
    start_file,
    stored_segments,
    sync_folder,
)
from network.gateway.transfers import records

_LEAST = dt.timedelta(days=2)  # today's quotas are counted over the journal
DEFAULT_DAYS = 180  # for what belongs to no known channel: six months, 网络安全法 article 21


@dataclass(frozen=True)
class Pruned:
    """What was removed: records up to `number`, so many segments and bytes; zeros when nothing was."""

    number: int
    segments: int
    bytes: int


def kept_for(channels: Iterable[Channel]) -> dict[str, dt.timedelta]:
    """Return how long each channel's records are kept: retention, but never less than its replay window."""
    return {
        c.id: max(dt.timedelta(days=c.retention_days), dt.timedelta(hours=c.replay_hours), _LEAST)
        for c in channels
    }


def prune(
    folder: Path,
    file: Path,
    signers: Signers,
    keep: Mapping[str, dt.timedelta],
    now: dt.datetime,
) -> Pruned:
    """Remove from the journal in `folder` what may go; `file` holds the sealed heads, `keep` is by channel.

    Everything is examined first: raises as `examine` does, and then nothing was removed. A crash at any
    point leaves a journal that holds; what was to go goes the next time.
    """
    sealed = file.read_bytes() if file.exists() else b""
    sealed_to = examine(folder, Evidence(sealed, signers.public)).sealed
    longest = max([*keep.values(), dt.timedelta(days=DEFAULT_DAYS)])
    last = _settled(folder, keep, longest, now, upto=sealed_to)
    if last is not None:
        anchor = Head(last.number, last.hash.hex(), policy=last.facts.policy, kind="anchor")
        line = heads.seal(file, anchor, signers)
        write_atomically(anchor_file(folder), line + b"\n")
    pruned = _remove(folder)
    if last is not None:
        heads.put_away(file, last.number)
    return Pruned(last.number if last else 0, len(pruned), sum(pruned))


def shorten(folder: Path, channels: Iterable[Channel], now: dt.datetime) -> int:
    """Note from where on the guard has to read when it starts; return the last record it may skip.

    Everything before is final and out of every replay window; it stays in the journal and provable.
    Without this note a guard reads its whole journal, about 40 microseconds a record.
    """
    windows = {c.id: max(dt.timedelta(hours=c.replay_hours), _LEAST) for c in channels}
    last = _settled(folder, windows, max([_LEAST, *windows.values()]), now)
    if last is not None:
        note = {"head": {"number": last.number, "chain": last.hash.hex()}}
        write_atomically(start_file(folder), canonical(note))
    return last.number if last else 0


def _settled(
    folder: Path,
    keep: Mapping[str, dt.timedelta],
    others: dt.timedelta,
    now: dt.datetime,
    upto: int = 1 << 63,
) -> Record | None:
    """Return the last record of the last segment up to which all is final and older than its time.

    `others` is the time for records of no known channel.
    """
    unfinished: dict[str, int] = {}  # delivery or channel -> number of the record that began it
    due: list[
        tuple[Record, dt.datetime]
    ] = []  # each segment's last record, and until when it is kept
    starts = {int(path.stem) for path in segments(folder)}
    for record in records(folder):
        _follow(unfinished, record)
        facts = record.facts
        until = dt.datetime.fromisoformat(facts.at) + keep.get(facts.channel, others)
        if record.number in starts:
            due.append((record, until))
        else:
            due[-1] = (record, max(until, due[-1][1]))
    oldest = min(unfinished.values(), default=1 << 63)
    found = None
    for record, until in due[:-1]:  # the last one is being written
        if record.number >= min(oldest, upto + 1) or until > now:
            break
        found = record
    return found


def _follow(unfinished: dict[str, int], record: Record) -> None:
    """Keep account of what is still in force: queued messages, unsettled dead letters, paused channels."""
    facts = record.facts
    if facts.event == "ordered" and facts.rule:
        return  # an order that could not be obeyed
    if facts.event == "ordered" and facts.method in ("pause", "resume"):
        unfinished.pop(f"channel {facts.channel}", None)
        if facts.method == "pause":
            unfinished[f"channel {facts.channel}"] = record.number
    if facts.event == "accepted":
        unfinished[facts.delivery] = record.number
    elif facts.event == "delivered" or (facts.event == "ordered" and facts.method == "drop"):
        unfinished.pop(facts.delivery, None)


def _remove(folder: Path) -> list[int]:
    """Remove the files before the anchor, oldest first; return their sizes in bytes."""
    kept = set(segments(folder))
    sizes = []
    for path in stored_segments(folder):
        if path not in kept:
            sizes.append(path.lstat().st_size)
            path.unlink()
    if sizes:
        sync_folder(folder)
    return sizes
