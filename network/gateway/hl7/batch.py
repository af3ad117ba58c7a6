"""Batches of HL7 v2 (chapter 2.10.3): one frame with several messages, cut on bytes, and its answer.

A carriage return is never part of a character of GB18030, UTF-8 or ISO 8859, so lines may be cut before
they are decoded. Nothing of the envelope (FHS, BHS, BTS, FTS) crosses.
"""

import re
from dataclasses import dataclass

from network.gateway.refusals import BadMllp

MESSAGES = 500  # of one batch
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_SECOND = re.compile(rb"[\r\n]MSH")


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of a batch, as they came; `file` when FHS stood around it."""

    messages: tuple[bytes, ...]
    file: bool


def split(raw: bytes) -> Batch | None:
    """Return the batch that `raw` is, or None for a single message; raises `BadMllp`."""
    start = raw[:64].lstrip(b"\r\n \t")[:3]
    if start not in (b"FHS", b"BHS") and not _SECOND.search(raw):
        return None
    groups, declared = _groups(raw)
    if declared >= 0 and declared != len(groups):
        raise BadMllp(why="the batch does not hold as many messages as it says")
    if not 0 < len(groups) <= MESSAGES:
        raise BadMllp(why=f"no message, or over {MESSAGES}, in the batch")
    return Batch(tuple(b"\r".join(g) + b"\r" for g in groups), start == b"FHS")


def _groups(raw: bytes) -> tuple[list[list[bytes]], int]:
    """Return the lines of each message, and how many messages BTS says there are (-1: it does not)."""
    groups: list[list[bytes]] = []
    declared = -1
    inside = False
    for line in filter(None, re.split(rb"[\r\n]+", raw)):
        name = line[:3]
        if name in _ENVELOPE:
            inside = False
            if name == b"BTS" and (count := _count(line)) >= 0:
                declared = max(declared, 0) + count
        elif name == b"MSH":
            inside = True
            groups.append([line])
        elif inside:
            groups[-1].append(line)
        else:
            raise BadMllp(why="a segment outside every message of the batch")
    return groups, declared


def _count(line: bytes) -> int:
    fields = line.split(line[3:4]) if len(line) > 3 else []
    said = fields[1].strip() if len(fields) > 1 else b""
    return int(said) if said.isdigit() and len(said) < 9 else -1


def joined(acks: list[bytes], *, file: bool) -> bytes:
    """Return one batch of acknowledgements; empty ones (not wanted by the sender) are left out."""
    given = [ack for ack in acks if ack]
    if not given:
        return b""
    head = b"BHS|^~\\&|HBOX\r"
    tail = b"BTS|%d\r" % len(given)
    inner = head + b"".join(given) + tail
    return b"FHS|^~\\&|HBOX\r" + inner + b"FTS|1\r" if file else inner
