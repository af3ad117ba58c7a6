"""The journal as others read it: transfers for the controller's index, and proof that none is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotFound
from network.gateway.records import (
    Event,
    JournalBroken,
    Record,
    Torn,
    read_segment,
    sm3,
)
from network.gateway.segments import beginning, content, segments, start_of
from network.gateway.vault import Vault


@dataclass(frozen=True)
class Transfer:
    """One event of the exchange. `at` is RFC 3339 UTC; `size` in bytes of what may cross.

    `event`: started, recovered, request, answer, accepted, attempt, delivered, dead or refused.
    `side` is the zone that spoke, `rule` the code of a refusal, `dropped` how many fields stayed
    behind, `digest` the SM3 of the sealed body, `policy` the SM3 of the policy in force.
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
    kind: str = ""
    data_class: str = ""
    address: str = ""
    latency: int = 0
    masked: int = 0
    inert: int = 0
    found: str = ""
    count: int = 0
    order: int = 0


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
    for found in records(folder, after):
        if found.number > after:
            yield _transfer(found)


def verify(folder: Path, seen: Head | None = None) -> Head:
    """Check the whole chain and return its head.

    Cutting whole records off the end leaves a chain that holds: only `seen`, a head that was noted
    elsewhere before, shows it. Raises `JournalBroken`.
    """
    number, before = beginning(folder)
    head = Head(number, before.hex())
    for found in records(folder):
        head = Head(found.number, found.hash.hex())
        if seen is not None and found.number == seen.number and head.chain != seen.chain:
            raise JournalBroken(
                number=found.number, why="it is not the record that was seen before"
            )
    if seen is not None and head.number < seen.number:
        raise JournalBroken(number=head.number + 1, why=f"it once reached {seen.number}")
    return head


def body(folder: Path, number: int, vault: Vault) -> bytes:
    """Return the minimised body of one record; raises `NotFound`, `BodySealed`."""
    return record(folder, number).body(vault)


def record(folder: Path, number: int) -> Record:
    """Return one record as it stands; raises `NotFound`."""
    for found in records(folder, number - 1):
        if found.number == number:
            return found
    raise NotFound(what="journal record", name=number)


def records(folder: Path, after: int = 0) -> Iterator[Record]:
    """Yield the records from that of the segment on which holds the one after `after`."""
    paths = segments(folder)
    first = max((i for i, p in enumerate(paths) if int(p.stem) <= after + 1), default=0)
    number, before = beginning(folder)
    for index, path in enumerate(paths[first:], first):
        try:
            data = content(path)
        except FileNotFoundError as error:
            if index + 1 < len(paths):
                raise JournalBroken(number=number + 1, why="a segment is gone") from error
            return  # it held no whole record, and the guard that starts has removed it
        if index == first and index > 0:
            number, before = start_of(data)
            number -= 1
        try:
            for found in read_segment(data, number + 1, before):
                yield found
                number, before = found.number, found.hash
        except Torn as torn:
            if index + 1 < len(paths):
                raise JournalBroken(
                    number=number + 1, why="a segment ends inside a record"
                ) from torn


def _transfer(found: Record) -> Transfer:
    facts = found.facts
    return Transfer(
        number=found.number,
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
        size=found.size,
        digest=sm3(found.stored).hex() if found.stored else "",
        chain=found.hash.hex(),
        kind=facts.kind,
        data_class=facts.data_class,
        address=facts.address,
        latency=facts.latency,
        masked=facts.masked,
        inert=facts.inert,
        found=facts.found,
        count=facts.count,
        order=facts.order,
    )
