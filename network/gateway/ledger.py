"""The journal with the views that are kept by replaying it, and what waits for its commit to leave."""

import contextlib
from collections.abc import Callable
from datetime import datetime

from network.gateway.backlog import Backlog
from network.gateway.frames import Frame
from network.gateway.journal import Journal
from network.gateway.limits import Daily
from network.gateway.policy import Loaded
from network.gateway.records import Facts
from network.gateway.refusals import JournalFull


class Ledger:
    """Nothing that was said here may leave the guard before `commit` has returned it."""

    def __init__(
        self, loaded: Loaded | None, journal: Journal, local: Callable[[], datetime]
    ) -> None:
        channels = loaded.policy.channels if loaded else ()
        self.digest = loaded.digest if loaded else ""
        self.backlog = Backlog({c.id: c.replay_hours for c in channels}, local)
        self.daily = Daily(channels, local)
        self._journal = journal
        self._out: list[tuple[str, Frame]] = []
        self._after: list[Callable[[], None]] = []
        for written in journal.recover():
            self.backlog.replay(written)
            self.daily.replay(written.record.facts)

    def log(self, facts: Facts, body: bytes = b"") -> None:
        """Add one record; raises `JournalFull` before anything has changed."""
        written = self._journal.append(facts, body)
        self.backlog.replay(written)
        self.daily.replay(written.record.facts)

    def log_if_room(self, facts: Facts) -> bool:
        """Add a record that may be missing when the disk is full; return whether it was added."""
        with contextlib.suppress(JournalFull):
            self.log(facts)
            return True
        return False

    def owe(self, facts: Facts) -> None:
        """Add a record now, or as soon as there is room."""
        self._journal.owe(facts)

    def mark(self, data: bytes) -> str:
        """Return a mark of `data` that is the same for the same bytes and tells nothing of them."""
        return self._journal.mark(data)

    @property
    def full(self) -> bool:
        """Whether the journal takes no new messages now; a full disk is asked again by and by."""
        return not self._journal.has_room()

    def send(self, side: str, frame: Frame) -> None:
        """Let `frame` leave towards `side` when all that was logged is durable."""
        self._out.append((side, frame))

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do `act` when all that was logged is durable."""
        self._after.append(act)

    def commit(self) -> list[tuple[str, Frame]]:
        """Make everything durable, then return what may leave, each frame with its side."""
        self._journal.commit()
        done, self._after = self._after, []
        for act in done:
            act()
        ready, self._out = self._out, []
        return ready
