"""TLS between a socket and a door or a call, the lower half: the handshake, as an asyncio protocol."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from OpenSSL import SSL

from appliance.clock import monotonic
from appliance.errors import BoxError
from network.gateway.desk import Desk
from network.gateway.handshakes import Turns
from network.gateway.refusals import BadTls, TooSlow
from network.gateway.suites import Agreed
from network.gateway.tls_line import Line, drained

HANDSHAKE_TIME = 10.0  # seconds from the first byte of the connection
_FLIGHT_LIMIT = 65536  # bytes that a peer may send before the handshake is done

Assure = Callable[[SSL.Connection], Agreed]
Factory = Callable[[], asyncio.Protocol]


@dataclass(frozen=True)
class Flight:
    """What one step of a handshake produced: bytes for the peer, and whether it is done or failed."""

    out: bytes
    done: bool = False
    failed: str = ""


Handshakes = Turns[Flight]


@dataclass(frozen=True)
class Manner:
    """How a connection is to be secured: context, what must hold afterwards, whose turn it is."""

    context: SSL.Context
    assure: Assure
    turns: Handshakes
    accepts: bool


class Secured(asyncio.Protocol):
    """Makes the handshake, then gives the inner protocol a `Line` as its transport.

    `desk` counts an accepted connection while it is in its handshake; afterwards the door itself is
    counted in its stead. `ready` is set when the inner protocol has its transport (calls only).
    """

    def __init__(
        self,
        manner: Manner,
        factory: Factory,
        *,
        desk: Desk | None = None,
        ready: "asyncio.Future[asyncio.Protocol] | None" = None,
    ) -> None:
        self._manner, self._factory, self._desk, self._ready = manner, factory, desk, ready
        self._connection = SSL.Connection(manner.context, None)
        if manner.accepts:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self._arrived = bytearray()
        self._fed = 0
        self._stepping = self._waiting = self._cut = self._gone = False
        self._inner: asyncio.Protocol | None = None
        self.agreed: Agreed | None = None
        self.peer = ""
        self.deadline = monotonic() + HANDSHAKE_TIME

    # The socket's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; a call speaks first."""
        self.raw = cast("asyncio.Transport", transport)  # uvloop's do not inherit
        self.peer = str(self.raw.get_extra_info("peername")[0])
        if self._desk is not None and not self._desk.opened(self):
            self.raw.abort()
        elif not self._manner.accepts:
            self._step()

    def data_received(self, data: bytes) -> None:
        """Feed the handshake, or the line above."""
        if self._inner is not None:
            self._connection.bio_write(data)
            self.line.read()
            return
        self._arrived += data
        if self._stepping and len(self._arrived) > _FLIGHT_LIMIT:
            self._waiting = True  # the peer already sends its message
            self.raw.pause_reading()
        self._step()

    def eof_received(self) -> bool:
        """An end without TLS's own is a cut: nothing after it can be trusted to be whole."""
        if self._inner is not None and self.line.heard_all:
            return True  # it ended in good order, and may still be owed an answer
        self._cut = True
        if self._stepping:
            return True  # what came before the end may say why
        self.raw.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever has the connection now."""
        self._gone = True
        if self._inner is not None:
            self.line.lost()
            self._inner.connection_lost(exc)
            return
        if self._desk is not None:
            self._desk.closed(self)
        self._not_ready("connection closed")

    def pause_writing(self) -> None:
        """The socket is full."""
        if self._inner is not None:
            self.line.choke(full=True)

    def resume_writing(self) -> None:
        """The socket takes more."""
        if self._inner is not None:
            self.line.choke(full=False)

    def check(self, now: float) -> None:
        """See `Watched.check`: a handshake has its time."""
        if now >= self.deadline and self._inner is None and not self._gone:
            if self._desk is not None:
                self._desk.refused(self, TooSlow())
            self.raw.abort()

    # The handshake

    def _step(self) -> None:
        if self._stepping or self._gone:
            return
        self._stepping = True
        data = bytes(self._arrived)
        self._arrived.clear()
        self._fed += len(data)
        self._manner.turns.submit(self.peer, lambda: self._work(data), self._stepped)

    def _work(self, data: bytes) -> Flight:
        # In the thread of handshakes; until it returns nobody else touches the connection.
        if self._gone:
            return Flight(b"")
        if data:
            self._connection.bio_write(data)
        done, failed = False, ""
        try:
            self._connection.do_handshake()
            done = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            failed = _reason(error)
        return Flight(drained(self._connection), done, failed)

    def _stepped(self, flight: Flight) -> None:
        self._stepping = False
        if self._gone:
            return
        if self._waiting:
            self._waiting = False
            self.raw.resume_reading()
        if flight.out:
            self.raw.write(flight.out)
        if flight.failed or (self._fed > _FLIGHT_LIMIT and not flight.done):
            self._fail(flight.failed or "too long a handshake")
        elif flight.done:
            self._done()
        elif self._arrived:
            self._step()
        elif self._cut:
            self.raw.abort()

    def _done(self) -> None:
        try:
            self.agreed = self._manner.assure(self._connection)
        except BoxError as error:
            self._fail(error.message.en)
            return
        if self._desk is not None:
            self._desk.closed(self)  # from here on the door is counted
        inner = self._factory()
        self.line = Line(self.raw, self._connection, inner, self.agreed)
        self._inner = inner
        inner.connection_made(self.line)
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(inner)
        if self._arrived:
            self._connection.bio_write(bytes(self._arrived))
            self._arrived.clear()
        self.line.read()
        if self._cut and not self.line.heard_all:
            self.raw.abort()

    def _fail(self, why: str) -> None:
        if self._desk is not None:
            self._desk.refused(self, BadTls(why=why))
        self._not_ready(f"TLS: {why}")
        self._gone = True
        self.raw.close()

    def _not_ready(self, why: str) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(ConnectionError(why))


def _reason(error: SSL.Error) -> str:
    said = error.args[0] if error.args and isinstance(error.args[0], list) else []
    texts = [str(part[-1]) for part in said if isinstance(part, tuple) and part]
    return (texts[-1] if texts else type(error).__name__)[:120]
