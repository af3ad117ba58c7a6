"""Sealing the gateway's journal: its head is signed with both keys, kept outside it, and sent to syslog."""

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import clock
from appliance.clock import BEIJING
from appliance.errors import NotFound
from appliance.signing import VerifyKey
from appliance.syslog import Syslog
from controller.records.exchange import Transfer
from controller.workers.index import Index, journal_folder
from controller.workers.site import Site
from network.gateway import heads, policy, retention, transfers
from network.gateway.heads import FILE, Head, Sealed, Signers
from network.gateway.records import JournalBroken

EVERY = dt.timedelta(seconds=60)
MANY = 1000  # records after which a head is signed at once
_NIGHT = range(2, 5)  # hours in Beijing at which the whole journal may be examined


@dataclass
class Sealer:
    """Signs only what the worker itself has read from the journal since its start, never what a row says."""

    site: Site
    index: Index
    syslog: Syslog
    _proved: bool = field(default=False, init=False)
    _pruned: str = field(default="", init=False)

    @property
    def file(self) -> Path:
        """Where the sealed heads are kept."""
        return self.site.settings.state / FILE

    def seal(self) -> bool:
        """Sign the journal's present head if it is time to; return whether it was signed.

        Raises `JournalBroken`, and signs nothing, when the journal is not the one that was sealed before.
        """
        head, last = self.index.head, heads.last_line(self.file)
        if head is None or not _due(head, last):
            return False
        if not self._proved:
            self._prove(last)
            self._proved = True
        line = heads.seal(self.file, head, Signers.ensure(self.site.settings.keys))
        self.syslog.send(line.decode())
        return True

    def prune(self) -> int:
        """Once a night, remove what retention allows; return how many segments went."""
        local = clock.now().astimezone(BEIJING)
        today = local.date().isoformat()
        folder = journal_folder(self.site)
        if local.hour not in _NIGHT or self._pruned == today or not self._proved:
            return 0
        self._pruned = today
        key = VerifyKey.from_pem((self.site.settings.keys / "policy.key.pub").read_bytes())
        held = policy.load(folder.parent, key)
        keep = retention.kept_for(held.policy.channels)
        signers = Signers.ensure(self.site.settings.keys)
        gone = retention.prune(folder, self.file, signers, keep, clock.now())
        # From where the guard must read when it starts: all before is settled.
        retention.shorten(folder, held.policy.channels, clock.now())
        if gone.segments:
            self.site.change(lambda session: _forget(session, gone.number))
            self.syslog.send(f"gateway journal pruned up to record {gone.number}")
        return gone.segments

    def _prove(self, last: Sealed | None) -> None:
        if last is None:
            return
        number = last.head.number
        try:
            found = transfers.record(journal_folder(self.site), number)
        except NotFound as error:
            raise JournalBroken(number=number, why="a head was signed beyond its end") from error
        if found.hash.hex() != last.head.chain:
            raise JournalBroken(number=number, why="it is not the record whose head was signed")


def _forget(session: Session, number: int) -> None:
    """What the journal no longer holds is no longer in its index either."""
    session.execute(delete(Transfer).where(Transfer.number <= number))


def _due(head: Head, last: Sealed | None) -> bool:
    if last is None:
        return True
    if head.number <= last.head.number:
        return False
    old = clock.now() - dt.datetime.fromisoformat(last.head.at) >= EVERY
    return old or head.number - last.head.number >= MANY


def last_line(state: Path) -> dict[str, Any] | None:
    """Return what the newest sealed head says (number, chain, at, …); None when there is none."""
    found = heads.last_line(state / FILE)
    return json.loads(found.line)["head"] if found else None


def last_sealed(state: Path) -> tuple[int, str] | None:
    """Return number and time of the newest sealed head; None when there is none."""
    held = last_line(state)
    return (int(held["number"]), str(held["at"])) if held else None
