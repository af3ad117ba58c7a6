"""The journal's bytes: records in a hash chain (SM3, GB/T 32905-2016), and how a file of them is read.

A segment file is `MAGIC | first number u64 | hash before it (32)`, then records
`size u32 | number u64 | crc32 of these 12 bytes | payload | SM3(hash before ‖ head ‖ payload)`.
A payload is `length u16 | facts as JSON | body`. Appending is the only write, so a cut by a crash
leaves a short end; anything else that does not fit is damage.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

import orjson
from cryptography.hazmat.primitives.hashes import SM3, Hash

from appliance.errors import Refused, Text

MAGIC = b"HBOXJ1\r\n"
GENESIS = bytes(32)
SEGMENT_HEAD = struct.Struct("!8sQ32s")
_HEAD = struct.Struct("!IQI")
_HASH = 32
_PAYLOAD_LIMIT = 8 << 20

Event = Literal[
    "started",
    "recovered",
    "request",
    "answer",
    "accepted",
    "attempt",
    "delivered",
    "dead",
    "refused",
]


class JournalBroken(Refused):
    """The journal's chain does not hold at record `number`."""

    code = "gateway.journal_broken"
    text = Text(
        "交换日志在第 {number} 条处断裂：{why}", "The journal breaks at record {number}: {why}"
    )
    hint = Text(
        "请保全日志目录并通知审计管理员。",
        "Keep the journal folder as it is; tell the audit administrator.",
    )


@dataclass(frozen=True)
class Facts:
    """What is known of one event; `at` is RFC 3339 UTC, `policy` the digest of the policy in force.

    `kind` names the message for people, `address` is the receiver it was accepted for, `latency`
    counts milliseconds from asking to this event, `masked`, `inert` and `found` are those of a
    `Crossing`, `count` how many alike this record stands for, `order` the number of an operator's order.
    """

    event: Event
    at: str = ""
    policy: str = ""
    channel: str = ""
    side: str = ""
    peer: str = ""
    method: str = ""
    target: str = ""
    delivery: str = ""
    key: str = ""
    rule: str = ""
    status: int = 0
    dropped: int = 0
    attempts: int = 0
    note: str = ""
    kind: str = ""
    data_class: str = ""
    address: str = ""
    latency: int = 0
    masked: int = 0
    inert: int = 0
    found: str = ""
    count: int = 0
    order: int = 0


_NAMES = tuple(f.name for f in fields(Facts))


@dataclass(frozen=True)
class Record:
    """One record as it stands in the file; `at` is the byte offset of its body there."""

    number: int
    facts: Facts
    body: bytes
    hash: bytes
    body_at: int
    end: int


def sm3(*parts: bytes) -> bytes:
    """Return the SM3 hash of the joined `parts`."""
    state = Hash(SM3())
    for part in parts:
        state.update(part)
    return state.finalize()


def encode(number: int, before: bytes, facts: Facts, body: bytes) -> tuple[bytes, bytes]:
    """Return the record's bytes and its hash; `before` is the hash of the record before it."""
    told = orjson.dumps({name: held for name in _NAMES if (held := getattr(facts, name))})
    payload = struct.pack("!H", len(told)) + told + body
    start = struct.pack("!IQ", len(payload), number)
    head = start + struct.pack("!I", zlib.crc32(start))
    own = sm3(before, head, payload)
    return head + payload + own, own


def segment_head(first: int, before: bytes) -> bytes:
    """Return the head of a segment whose first record is number `first`."""
    return SEGMENT_HEAD.pack(MAGIC, first, before)


class Torn(Exception):
    """The file ends at byte `at` of whole records; what follows was cut by a crash."""

    def __init__(self, at: int) -> None:
        super().__init__(f"torn at byte {at}")
        self.at = at


def read_segment(data: bytes, number: int, before: bytes) -> Iterator[Record]:
    """Yield the records of one segment that must start with `number` after hash `before`.

    Raises:
        JournalBroken: something does not fit that a crash cannot explain.
        Torn: the file ends inside a record.
    """
    if len(data) < SEGMENT_HEAD.size:
        raise Torn(0)
    if SEGMENT_HEAD.unpack_from(data) != (MAGIC, number, before):
        raise JournalBroken(number=number, why="the segment does not follow the one before it")
    at = SEGMENT_HEAD.size
    while at < len(data):
        record = _record(data, at, number, before)
        yield record
        at, before, number = record.end, record.hash, number + 1


def _record(data: bytes, at: int, number: int, before: bytes) -> Record:
    head = data[at : at + _HEAD.size]
    if len(head) < _HEAD.size or not any(memoryview(data)[at:]):
        raise Torn(at)
    size, own_number, check = _HEAD.unpack(head)
    if check != zlib.crc32(head[:12]) or size > _PAYLOAD_LIMIT:
        raise JournalBroken(number=number, why="its head is damaged")
    start, end = at + _HEAD.size, at + _HEAD.size + size + _HASH
    if end > len(data):
        raise Torn(at)
    payload, own = data[start : end - _HASH], data[end - _HASH : end]
    if own_number != number:
        raise JournalBroken(number=number, why=f"found number {own_number}")
    if end == len(data) and not any(own):
        raise Torn(at)  # the file system had made room, the bytes never came
    if own != sm3(before, head, payload):
        raise JournalBroken(number=number, why="its content was altered")
    (told,) = struct.unpack_from("!H", payload)
    facts = Facts(**_known(orjson.loads(payload[2 : 2 + told])))
    return Record(number, facts, payload[2 + told :], own, start + 2 + told, end)


def _known(told: dict[str, Any]) -> dict[str, Any]:  # the file is a border
    return {k: v for k, v in told.items() if k in _NAMES}
