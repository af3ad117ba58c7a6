"""A node over SSH that is connected when needed, again after it was away, and not at all while it is away."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance import clock
from appliance.host import CommandFailed, CommandTimeout, Result
from hardware.ssh import LineEnded, NodeUnreachable, Place, SshHost, SshStream

T = TypeVar("T")

_AT_ONCE = 8  # commands on one connection; sshd allows 10
_PROBE = 15.0  # seconds for a command that does nothing, on a machine that has much to do

Connect = Callable[[str, Place], SshHost]


def _connect(name: str, place: Place) -> SshHost:
    return SshHost(name, place, patience=15.0)  # a busy node takes its time to log in


@dataclass
class _Line:
    """A connection and how many commands are under way on it."""

    ssh: SshHost
    users: int = 0
    retired: bool = False


class NodeHost:
    """A `Host` that outlives its connections. Several threads may use it at once.

    `away` is told by whoever watches the node: from then on every call fails at once, those in hand
    too, until `back`. Only that ends what others have in hand: a line that failed one of them is left by
    the next, and closed when the last has done with it.
    """

    def __init__(self, name: str, place: Place, connect: Connect = _connect) -> None:
        self.name = name
        self.place = place
        self._connect = connect
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._line: _Line | None = None
        self._watching: SshHost | None = None
        self._why = ""
        self._heard = float("-inf")
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def away(self, why: str) -> None:
        """Say that the node does not answer: calls in hand end, further ones are refused."""
        with self._lock:
            self._why = why or "?"
        self.close()

    def back(self) -> None:
        """Say that the node answers again."""
        with self._lock:
            self._why = ""

    def probe(self) -> str:
        """Return "" when the node answers and is the one that is known, else why not; also while away.

        It has a connection of its own, kept from one look to the next; one watcher calls it. A node that
        ended another's command within the time of a look answers, however long it takes for this one.
        """
        began = clock.monotonic()
        try:
            if self._watching is None or not self._watching.alive():
                self._watching = self._connect(self.name, self.place)
            self._watching.run(["true"], timeout=_PROBE)
        except (NodeUnreachable, CommandTimeout) as error:
            if self._watching is not None:
                self._watching.close()
            return "" if self._heard > began else str(error.fields.get("why", error))
        except CommandFailed as error:
            return str(error)
        return ""

    def check(self) -> None:
        """Raise `NodeUnreachable` while the node is away."""
        with self._lock:
            why = self._why
        if why:
            raise NodeUnreachable(name=self.name, why=why)

    def close(self) -> None:
        """End the connection with all that is under way on it; the next call makes another."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.ssh.close()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """See `Host.run`. Nothing is sent twice: only a connection that was dead before is renewed."""
        with self._slots:
            return self._on_a_live_line(
                lambda held: held.run(argv, stdin=stdin, timeout=timeout, check=check, env=env)
            )

    def stream(self, argv: Sequence[str]) -> SshStream:
        """See `SshHost.stream`: on a connection of its own, since it may stay for hours."""
        self.check()
        own = self._connect(self.name, self.place)
        try:
            return own.stream(argv, last=own.close)
        except NodeUnreachable:
            own.close()
            raise

    def read(self, path: str) -> bytes:
        """See `Host.read`."""
        with self._slots:
            return self._on_a_live_line(lambda held: held.read(path))

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """See `Host.write`."""
        with self._slots:
            self._on_a_live_line(lambda held: held.write(path, data, mode=mode))

    def _on_a_live_line(self, deed: Callable[[SshHost], T]) -> T:
        """Do it; where the connection turns out to have ended before anything was said, once more."""
        for last in (False, True):
            line = self._take()
            try:
                done = deed(line.ssh)
            except NodeUnreachable as error:
                self._retire(line)
                self.check()
                if last or not isinstance(error, LineEnded):
                    raise
            else:
                self._heard = clock.monotonic()
                return done
            finally:
                self._give_back(line)
        raise AssertionError("the second try returns or raises")

    def _take(self) -> _Line:
        """Return a live line, counted as used; one thread connects, the others wait for it."""
        self.check()
        with self._connecting:
            self.check()
            with self._lock:
                line = self._line
            if line is None or not line.ssh.alive():
                line = _Line(self._connect(self.name, self.place))
            with self._lock:
                self._line = line
                line.users += 1
                return line

    def _retire(self, line: _Line) -> None:
        with self._lock:
            line.retired = True
            if self._line is line:
                self._line = None

    def _give_back(self, line: _Line) -> None:
        with self._lock:
            line.users -= 1
            over = line.retired and not line.users
        if over:
            line.ssh.close()
