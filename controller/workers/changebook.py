"""The box's own book of channel changes: who asked, who decided, and what each channel's text became."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.errors import NotFound
from appliance.files import write_atomically
from appliance.settings import Settings
from network.gateway.channel import Channel
from network.gateway.text import parse


@dataclass(frozen=True)
class Change:
    """One change. `state`: pending, approved or rejected; `job` asked for it, `decided_job` decided it.

    `version` is what the channel became by it, 0 before; `before` the text it replaces.
    """

    number: int
    job: str
    op: str
    channel: str
    base: int
    text: str
    before: str
    reason: str
    requester: str
    requested_at: str
    state: str = "pending"
    decided_job: str = ""
    approver: str = ""
    decided_at: str = ""
    decision: str = ""
    version: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 of what is approved: the request, whole, without any decision."""
        asked = ("number", "op", "channel", "base", "text", "reason", "requester", "requested_at")
        return digest(canonical({name: getattr(self, name) for name in asked}))

    def read(self, approver: str = "") -> Channel:
        """Return the channel that its text states; raises `ChannelInvalid`."""
        who = approver or self.approver
        return parse(self.text, self.requester, who) if who else parse(self.text, self.requester)


class ChangeBook:
    """One JSON file per change below `channels/changes/`, written by root only.

    The rows only show it: a row written by somebody else changes no channel.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.state / "channels"

    def all(self) -> tuple[Change, ...]:
        """Return every change, oldest first."""
        paths = sorted((self._folder / "changes").glob("[0-9]*.json"))
        return tuple(Change(**json.loads(path.read_bytes())) for path in paths)

    def get(self, number: int) -> Change:
        """Return one change; raises `NotFound`."""
        try:
            return Change(**json.loads(self._path(number).read_bytes()))
        except FileNotFoundError as error:
            raise NotFound(what="通道变更 channel change", name=number) from error

    def of_job(self, job: str) -> Change | None:
        """Return the change that this job asked for, if it came to it before it was cut off."""
        return next((change for change in self.all() if change.job == job), None)

    def add(self, change: Change) -> Change:
        """Write a new change under the next number and return it as it stands there."""
        numbered = replace(change, number=max((c.number for c in self.all()), default=0) + 1)
        self.save(numbered)
        return numbered

    def save(self, change: Change) -> None:
        """Write a change as it is now."""
        data = json.dumps(asdict(change), ensure_ascii=False).encode()
        write_atomically(self._path(change.number), data, mode=0o600)

    def drop(self, number: int) -> None:
        """Forget a change whose request was undone; an absent one is fine."""
        self._path(number).unlink(missing_ok=True)

    def pending(self, channel: str) -> Change | None:
        """Return the change of this channel that waits to be decided."""
        return next((c for c in self.all() if c.channel == channel and c.state == "pending"), None)

    def current(self) -> dict[str, Change]:
        """Return, by channel, the change that made the version now in force; removed ones are absent."""
        found: dict[str, Change] = {}
        for change in sorted(self.all(), key=lambda c: c.version):
            if change.state == "approved":
                found[change.channel] = change
        return {name: change for name, change in found.items() if change.op != "remove"}

    def version(self, channel: str) -> int:
        """Return the number of the channel's last version, 0 if it never had one."""
        return max((c.version for c in self.all() if c.channel == channel), default=0)

    def channels(self) -> tuple[Channel, ...]:
        """Return the channels now in force that came by this book."""
        return channels_of(self.current().values())

    def keep_trial(self, number: int, document: object) -> None:
        """Write the last dry run of a change."""
        data = json.dumps(document, ensure_ascii=False).encode()
        write_atomically(self._folder / "trials" / f"{number:06d}.json", data, mode=0o600)

    def tried(self, number: int) -> bool:
        """Whether a dry run of this change was ever made."""
        return (self._folder / "trials" / f"{number:06d}.json").exists()

    def _path(self, number: int) -> Path:
        return self._folder / "changes" / f"{number:06d}.json"


def channels_of(changes: Iterable[Change]) -> tuple[Channel, ...]:
    """Return the channels that these changes state, by id."""
    return tuple(change.read() for change in sorted(changes, key=lambda c: c.channel))
