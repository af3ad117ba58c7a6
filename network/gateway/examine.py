"""The whole examination of a journal, offline: chain, sealed heads, both signatures, anchor, witnesses.

It needs the journal's folder (with its anchor beside it), the file of heads and two public keys; not the
box, and not the key of the bodies. What it cannot see: a change of the records after the last sealed
head by someone who had root on the box, when nothing later (syslog, `seen`) speaks against it.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from network.gateway import transfers
from network.gateway.heads import HeadsBroken, Sealed, Verifiers, parse, read, verify
from network.gateway.records import JournalBroken, Record
from network.gateway.segments import anchor_file, beginning
from network.gateway.transfers import Head
from network.gateway.vault import Vault

PATIENCE = 900.0  # seconds that records may wait for their seal


@dataclass(frozen=True)
class Evidence:
    """What speaks for a journal from outside of it.

    `heads` are the bytes of the heads file, `witnesses` lines of it kept elsewhere (syslog), `seen` the
    furthest record somebody noted; `vault` opens bodies, if they are to be tried too.
    """

    heads: bytes
    keys: Verifiers
    witnesses: tuple[bytes, ...] = ()
    seen: Head | None = None
    vault: Vault | None = None


@dataclass(frozen=True)
class Finding:
    """What was examined and held: records `first` to `last`, of them sealed up to `sealed`."""

    first: int
    last: int
    chain: str
    sealed: int
    lines: int
    witnesses: int
    bodies: int


def examine(folder: Path, evidence: Evidence) -> Finding:
    """Examine the journal in `folder`.

    Raises:
        JournalBroken: records were changed, cut, put in, or are not the ones that were sealed.
        HeadsBroken, BadSignature: the heads were changed, cut, or signed by another key.
        BodySealed: a body does not open (only with a vault).
    """
    lines = read(evidence.heads, evidence.keys)
    told = _witnessed(lines, evidence)
    start = _anchored(folder, lines, evidence.keys)
    walk = _Walk(lines, told, evidence)
    last = Head(*start)
    for record in transfers.records(folder):
        walk.take(record)
        last = Head(record.number, record.hash.hex())
    walk.end(last, start)
    return Finding(
        first=start[0] + 1,
        last=last.number,
        chain=last.chain,
        sealed=walk.sealed,
        lines=len(lines),
        witnesses=len(told),
        bodies=walk.bodies,
    )


def _anchored(folder: Path, lines: list[Sealed], keys: Verifiers) -> tuple[int, str]:
    """Return where the journal begins; an anchor must be one that the box has signed and kept."""
    number, chain = beginning(folder)
    if anchor_file(folder).exists():
        line = anchor_file(folder).read_bytes().strip()
        if verify(line, keys).kind != "anchor":
            raise HeadsBroken(why="a head stands where an anchor should")
        if line not in {sealed.line for sealed in lines if sealed.head.kind == "anchor"}:
            raise HeadsBroken(why="the anchor is not among the sealed heads")
    elif lines and lines[0].head.seq != 1:
        raise JournalBroken(number=1, why="its anchor is missing")
    return number, chain.hex()


def _witnessed(lines: list[Sealed], evidence: Evidence) -> list[Sealed]:
    """Check the heads kept elsewhere against the file of heads."""
    kept = {sealed.head.seq: sealed.line for sealed in lines}
    last = lines[-1].head.seq if lines else 0
    told = [parse(line) for line in evidence.witnesses]
    for witness in told:
        verify(witness.line, evidence.keys)
        seq = witness.head.seq
        if seq > last:
            raise HeadsBroken(why=f"the heads once reached line {seq}, now {last}")
        if kept.get(seq, witness.line) != witness.line:
            raise HeadsBroken(why=f"line {seq} is not the one that was sent out")
    return told


class _Walk:
    """One pass over the records with everything that must hold on the way."""

    def __init__(self, lines: list[Sealed], told: Iterable[Sealed], evidence: Evidence) -> None:
        heads = [sealed.head for sealed in (*lines, *told)]
        self._chains: dict[int, set[str]] = {}
        for head in heads:
            self._chains.setdefault(head.number, set()).add(head.chain)
        self._seen, self._vault = evidence.seen, evidence.vault
        if self._seen is not None:
            self._chains.setdefault(self._seen.number, set()).add(self._seen.chain)
        self._reach = max(self._chains, default=0)
        self._last_seal = max((sealed.head.number for sealed in lines), default=0)
        self._since = self._until = ""
        self.sealed = self.bodies = 0

    def take(self, record: Record) -> None:
        """Hold one record against what was sealed."""
        chains = self._chains.get(record.number)
        if chains is not None and chains != {record.hash.hex()}:
            raise JournalBroken(number=record.number, why="it is not the record that was sealed")
        if record.number <= self._last_seal:
            self.sealed = record.number
        else:
            self._since, self._until = self._since or record.facts.at, record.facts.at
        if self._vault is not None and record.stored:
            record.body(self._vault)
            self.bodies += 1

    def end(self, last: Head, start: tuple[int, str]) -> None:
        """Hold the end against what was sealed."""
        if last.number < self._reach:
            raise JournalBroken(number=last.number + 1, why=f"it once reached {self._reach}")
        if self._chains.get(start[0], {start[1]}) != {start[1]}:
            raise JournalBroken(number=start[0] + 1, why="it does not begin where it was sealed")
        if self._since and _seconds(self._since, self._until) > PATIENCE:
            why = f"records after {self._last_seal} are not sealed: heads are missing, or nobody sealed"
            raise HeadsBroken(why=why)


def _seconds(since: str, until: str) -> float:
    return (dt.datetime.fromisoformat(until) - dt.datetime.fromisoformat(since)).total_seconds()
