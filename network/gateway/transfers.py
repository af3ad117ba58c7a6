"""The journal as others read it: transfers for the controller's index, and proof that none is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotFound
from network.gateway.journal import segments
from network.gateway.records import (
    GENESIS,
    SEGMENT_HEAD,
    Event,
    JournalBroken,
    Record,
    Torn,
    read_segment,
    sm3,
)


@dataclass(frozen=True)
class Transfer:
    """One event of the exchange. `at` is RFC 3339 UTC; `size` in bytes of what may cross.

    `event`: started, recovered, request, answer, accepted, attempt, delivered, dead or refused.
    `side` is the zone that spoke, `rule` the code of a refusal, `dropped` how many fields stayed
    behind, `digest` the SM3 of the minimised body, `policy` the SM3 of the policy in force.
    """

    number: int
    at: str
    event: Event
    channel: str
    side: str
    peer: str
    method: str
    path: str
    delivery: str
    rule: str
    status: int
    dropped: int
    attempts: int
    note: str
    policy: str
    size: int
    digest: str
    chain: str


@dataclass(frozen=True)
class Head:
    """The last record seen: its number and the hash that stands for everything up to it."""

    number: int
    chain: str


def read(folder: Path, after: int = 0) -> Iterator[Transfer]:
    """Yield the transfers after number `after`; an unfinished end is left for the next time.

    Raises:
        JournalBroken: the chain does not hold in a file that was read.
    """
    for record in _records(folder, after):
        if record.number > after:
            yield _transfer(record)


def verify(folder: Path, seen: Head | None = None) -> Head:
    """Check the whole chain and return its head.

    Cutting whole records off the end leaves a chain that holds: only `seen`, a head that was noted
    elsewhere before, shows it. Raises `JournalBroken`.
    """
    head = Head(0, GENESIS.hex())
    for record in _records(folder, 0):
        head = Head(record.number, record.hash.hex())
        if seen is not None and record.number == seen.number and head != seen:
            raise JournalBroken(
                number=record.number, why="it is not the record that was seen before"
            )
    if seen is not None and head.number < seen.number:
        raise JournalBroken(number=head.number + 1, why=f"it once reached {seen.number}")
    return head


def body(folder: Path, number: int) -> bytes:
    """Return the minimised body of one record; raises `NotFound`."""
    for record in _records(folder, number - 1):
        if record.number == number:
            return record.body
    raise NotFound(what="journal record", name=number)


def _records(folder: Path, after: int) -> Iterator[Record]:
    paths = segments(folder)
    starts = [int(path.stem) for path in paths]
    first = max((i for i, start in enumerate(starts) if start <= after + 1), default=0)
    number, before = 1, GENESIS
    for index, path in enumerate(paths[first:], first):
        data = path.read_bytes()
        if index == first and index > 0:
            number, before = _start(data)
        try:
            for record in read_segment(data, number, before):
                yield record
                number, before = record.number + 1, record.hash
        except Torn as torn:
            if index + 1 < len(paths):
                raise JournalBroken(number=number, why="a segment ends inside a record") from torn


def _start(data: bytes) -> tuple[int, bytes]:
    _, number, before = SEGMENT_HEAD.unpack_from(data)
    return int(number), bytes(before)


def _transfer(record: Record) -> Transfer:
    facts = record.facts
    return Transfer(
        number=record.number,
        at=facts.at,
        event=facts.event,
        channel=facts.channel,
        side=facts.side,
        peer=facts.peer,
        method=facts.method,
        path=facts.target,
        delivery=facts.delivery,
        rule=facts.rule,
        status=facts.status,
        dropped=facts.dropped,
        attempts=facts.attempts,
        note=facts.note,
        policy=facts.policy,
        size=len(record.body),
        digest=sm3(record.body).hex(),
        chain=record.hash.hex(),
    )
