"""The index of the gateway's journal: one row per message, kept up to date, rebuilt at every start."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from appliance.files import write_atomically
from controller.records.tables import Transfer
from controller.workers.site import Site
from network.gateway import transfers
from network.gateway.sealed import FILE, parted
from network.gateway.transfers import Head
from network.gateway.transfers import Transfer as Event

_OTHER = {"extranet": "intranet", "intranet": "extranet"}
_STATES = {"answer": "answered", "delivered": "delivered", "dead": "dead", "refused": "failed"}
HEAD = Path("worker/journal-head.json")  # below the box's state; root only
_BATCH = 1000  # journal events per transaction


@dataclass
class Index:
    """Reads on from where it came to. `open` maps a delivery to the row that it began."""

    site: Site
    after: int = 0
    open: dict[str, int] = field(default_factory=dict)

    def catch_up(self) -> int:
        """Bring the rows to the journal's end; return how many events were read."""
        folder = self.site.settings.state / "gateway" / "journal"
        if not folder.is_dir():
            return 0
        read = 0
        batch: list[Event] = []
        for event in transfers.read(folder, self.after):
            batch.append(event)
            if len(batch) == _BATCH:
                read += self._write(batch)
                batch = []
        return read + self._write(batch)

    def _write(self, batch: list[Event]) -> int:
        if batch:
            self.site.change(lambda session: self._index(session, batch))
            self.after = batch[-1].number
            note_head(self.site.settings.state, Head(self.after, batch[-1].chain))
        return len(batch)

    def _index(self, session: Session, events: Iterable[Event]) -> None:
        classes = data_classes(self.site.settings.state / "gateway")
        for event in events:
            began = self.open.get(event.delivery) if event.delivery else None
            if began is not None:
                _go_on(session.get(Transfer, began), event)
                if event.event in _STATES:
                    self.open.pop(event.delivery, None)
            elif event.event in ("request", "accepted", "refused"):
                session.merge(_row(event, classes))
                session.flush()
                if event.delivery and event.event != "refused":
                    self.open[event.delivery] = event.number


def note_head(state: Path, head: Head) -> None:
    """Remember how far the journal once reached; the note only grows, so a cut end stays visible."""
    noted = noted_head(state)
    if noted is None or head.number > noted.number:
        write_atomically(state / HEAD, json.dumps(asdict(head)).encode(), mode=0o600)


def noted_head(state: Path) -> Head | None:
    """Return the furthest head that was noted, None before the first."""
    path = state / HEAD
    return Head(**json.loads(path.read_bytes())) if path.exists() else None


def _row(event: Event, classes: dict[str, str]) -> Transfer:
    refused = event.event == "refused"
    return Transfer(
        number=event.number,
        at=event.at,
        channel=event.channel,
        direction=f"{event.side}->{_OTHER.get(event.side, '?')}",
        lane={"request": "request", "accepted": "store"}.get(event.event, ""),
        verdict="refused" if refused else "allowed",
        rule=event.rule,
        data_class=classes.get(event.channel, ""),
        peer=event.peer,
        size=event.size,
        state="refused" if refused else "accepted",
        latency_ms=None,
        hash=event.chain,
    )


def _go_on(row: Transfer | None, event: Event) -> None:
    if row is None or event.event not in _STATES:
        return
    row.state = _STATES[event.event]
    row.rule = event.rule or row.rule
    then, now = (dt.datetime.fromisoformat(at) for at in (row.at, event.at))
    row.latency_ms = round((now - then).total_seconds() * 1000, 3)


def data_classes(folder: Path) -> dict[str, str]:
    """Return the data class of each channel in the policy file, {} without a readable one."""
    try:
        raw = json.loads(parted((folder / FILE).read_bytes())[1])
        return {channel["id"]: channel["data_class"] for channel in raw["channels"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
