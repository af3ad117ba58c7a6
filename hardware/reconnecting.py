"""A node over SSH that is connected when needed, again after it was away, and not at all while it is away."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from appliance.host import CommandFailed, CommandTimeout, Result
from hardware.ssh import LineEnded, NodeUnreachable, Place, SshHost, SshStream

T = TypeVar("T")

_AT_ONCE = 8  # commands on one connection; sshd allows 10, and the probe needs one
_PROBE = 15.0  # seconds for a command that does nothing

Connect = Callable[[str, Place], SshHost]


def _connect(name: str, place: Place) -> SshHost:
    return SshHost(name, place, patience=6.0)


class NodeHost:
    """A `Host` that outlives its connections. Several threads may use it at once.

    `away` is told by whoever watches the node: from then on every call fails at once, those in hand
    too, until `back`.
    """

    def __init__(self, name: str, place: Place, connect: Connect = _connect) -> None:
        self.name = name
        self.place = place
        self._connect = connect
        self._lock = threading.Lock()
        self._held: SshHost | None = None
        self._why = ""
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def away(self, why: str) -> None:
        """Say that the node does not answer: calls in hand end, further ones are refused."""
        with self._lock:
            self._why = why or "?"
            held, self._held = self._held, None
        if held is not None:
            held.close()

    def back(self) -> None:
        """Say that the node answers again."""
        with self._lock:
            self._why = ""

    def probe(self) -> str:
        """Return "" when the node answers and is the one that is known, else why not; also while away."""
        try:
            self._open().run(["true"], timeout=_PROBE)
        except (NodeUnreachable, CommandTimeout) as error:
            self.close()
            return str(error.fields.get("why", error))
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
        """End the connection; the next call makes another."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            held.close()

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
            held = self._live()
            try:
                return deed(held)
            except LineEnded:
                self._drop(held)
                self.check()
                if last:
                    raise
            except NodeUnreachable:
                self._drop(held)
                self.check()
                raise
        raise AssertionError("the second try returns or raises")

    def _live(self) -> SshHost:
        self.check()
        return self._open()

    def _open(self) -> SshHost:
        with self._lock:
            if self._held is not None and self._held.alive():
                return self._held
        made = self._connect(self.name, self.place)  # outside the lock: it may take seconds
        with self._lock:
            if self._held is not None and self._held.alive():
                made.close()
            else:
                self._held = made
            return self._held

    def _drop(self, held: SshHost) -> None:
        with self._lock:
            if self._held is held:
                self._held = None
        held.close()
