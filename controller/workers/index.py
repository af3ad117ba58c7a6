"""The index of the gateway's journal: one row per message, gone on with where the last worker stopped."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import clock
from appliance.files import write_atomically
from controller.records.exchange import GatewayMinute, JournalIndex, Transfer
from controller.records.session import reading
from controller.workers.index_rows import Channels, Rows, channels
from controller.workers.site import Site
from network.gateway import heads, transfers
from network.gateway.records import GENESIS, JournalBroken
from network.gateway.transfers import Head
from network.gateway.transfers import Transfer as Event

HEAD = Path("worker/journal-head.json")  # below the box's state; root only
_BATCH = 2000  # journal events per transaction
_MINUTE = 16  # characters of RFC 3339 up to the minute


@dataclass
class Index:
    """Reads on from where the records say it came to, after proving that this is still the same journal.

    `head` is the newest record that was read and verified here, None before the first.
    """

    site: Site
    head: heads.Head | None = field(default=None, init=False)
    _proved: bool = field(default=False, init=False)
    _seen: tuple[str, int] = field(default=("", 0), init=False)

    def catch_up(self) -> int:
        """Bring the rows to the journal's end; return how many events were read.

        A broken chain is recorded (the console shows it) and raised again as `JournalBroken`.
        """
        folder = journal_folder(self.site)
        end = _end(folder)
        if end == self._seen:
            return 0  # nothing was appended: the segment need not be read and hashed again
        try:
            read = self._read_on(folder)
            self._seen = end
        except JournalBroken as error:
            self._tell(str(error)[:500])
            raise
        return read

    def rebuild(self) -> int:
        """Forget every row the journal still accounts for and read it again from its first record."""
        folder = journal_folder(self.site)
        first = next(transfers.read(folder), None) if folder.is_dir() else None
        self.site.change(lambda session: _forget(session, first.number if first else 1))
        self._proved, self._seen = True, ("", 0)
        return self.catch_up()

    def _read_on(self, folder: Path) -> int:
        if not self._proved:
            if not self._same_journal(folder):
                return self.rebuild()
            self._proved = True
        read = 0
        batch: list[Event] = []
        for event in transfers.read(folder, position(self.site).number):
            batch.append(event)
            if len(batch) == _BATCH:
                read += self._write(batch)
                batch = []
        if not batch and not read:
            self._tell("")
        return read + self._write(batch)

    def _same_journal(self, folder: Path) -> bool:
        """Whether the record the index came to is still there: another one has another hash."""
        at = position(self.site)
        if at.number == 0:
            return True
        found = next(transfers.read(folder, at.number - 1), None)
        if found is None or (found.number, found.chain) != (at.number, at.chain):
            return False
        self.head = heads.Head(found.number, found.chain, policy=found.policy)
        return True

    def _write(self, batch: list[Event]) -> int:
        if batch:
            known = channels(self.site.settings.state / "gateway")
            head = Head(batch[-1].number, batch[-1].chain)
            self.site.change(lambda session: _index(session, batch, known, head))
            note_head(self.site.settings.state, head)
            self.head = heads.Head(head.number, head.chain, policy=batch[-1].policy)
        return len(batch)

    def _tell(self, why: str) -> None:
        if told(self.site) != why:
            self.site.change(lambda session: _say(session, why))


def _end(folder: Path) -> tuple[str, int]:
    """The name and size of the last segment: what grows whenever the journal does."""
    last = max(folder.glob("*.seg"), default=None)
    return (last.name, last.stat().st_size) if last else ("", 0)


def position(site: Site) -> Head:
    """Return how far the index came; number 0 before the first record."""
    with reading(site.engine) as session:
        row = session.get(JournalIndex, 1)
        return Head(row.number, row.chain) if row else Head(0, GENESIS.hex())


def told(site: Site) -> str:
    """Return why the index stopped; empty when it did not."""
    with reading(site.engine) as session:
        row = session.get(JournalIndex, 1)
        return row.broken if row else ""


def journal_folder(site: Site) -> Path:
    """Return where the gateway's journal lies."""
    return site.settings.state / "gateway" / "journal"


def note_head(state: Path, head: Head) -> None:
    """Remember how far the journal once reached; the note only grows, so a cut end stays visible."""
    noted = noted_head(state)
    if noted is None or head.number > noted.number:
        write_atomically(state / HEAD, json.dumps(asdict(head)).encode(), mode=0o600)


def noted_head(state: Path) -> Head | None:
    """Return the furthest head that was noted, None before the first."""
    path = state / HEAD
    return Head(**json.loads(path.read_bytes())) if path.exists() else None


def _index(session: Session, batch: list[Event], known: Channels, head: Head) -> None:
    rows = Rows(session, known)
    rows.take(batch)
    rows.write()
    _count_starts(session, batch)
    before = session.get(JournalIndex, 1)
    paused = _paused(before.paused if before else [], batch)
    session.merge(
        JournalIndex(
            id=1, number=head.number, chain=head.chain, at=clock.iso(), broken="", paused=paused
        )
    )


def _paused(before: Iterable[str], batch: Iterable[Event]) -> list[str]:
    held = set(before)
    for event in batch:
        if event.event == "ordered" and event.method in ("pause", "resume") and not event.rule:
            (held.add if event.method == "pause" else held.discard)(event.channel)
    return sorted(held)


def _count_starts(session: Session, batch: Iterable[Event]) -> None:
    for event in batch:
        if event.event == "started" and event.at:
            minute = dt.datetime.fromisoformat(event.at).astimezone(dt.UTC).isoformat()[:_MINUTE]
            row = session.get(GatewayMinute, minute) or GatewayMinute(
                minute=minute, alive=True, starts=0
            )
            row.starts += 1
            session.add(row)
            session.flush()


def _forget(session: Session, first: int) -> None:
    session.execute(delete(Transfer).where(Transfer.number >= first))
    session.execute(delete(JournalIndex))
    for row in session.query(GatewayMinute).where(GatewayMinute.starts > 0):
        row.starts = 0


def _say(session: Session, why: str) -> None:
    row = session.get(JournalIndex, 1)
    if row is None:
        row = JournalIndex(id=1, number=0, chain=GENESIS.hex(), at=clock.iso(), paused=[])
        session.add(row)
    row.broken = why
