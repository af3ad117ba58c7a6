"""One connection of a leg to a receiver, whatever is spoken on it: one question at a time, then rest."""

import asyncio
from typing import Generic, TypeVar, cast

Answer = TypeVar("Answer")


class Line(asyncio.Protocol, Generic[Answer]):
    """What every such connection does; its kinds add what they send and how they read the answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """A call that waits has failed."""
        self._fail("connection closed")

    def eof_received(self) -> bool:
        """A receiver that closes its side gets no more calls."""
        self._fail("connection closed")
        return False

    def close(self) -> None:
        """End the connection."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _begin(self) -> tuple[asyncio.Transport, asyncio.Future[Answer]]:
        """Return where to write a question, and what its answer will fill; raises `ConnectionError`."""
        if self._transport is None or not self.usable:
            raise ConnectionError("closed")
        self._answer = asyncio.get_running_loop().create_future()
        return self._transport, self._answer

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(why))
        self.close()


def why(error: OSError) -> str:
    """Return the reason of a failed call as a frame can carry it: short, printable ASCII."""
    text = error.strerror or str(error) or type(error).__name__
    return "".join(c for c in text if c.isascii() and c.isprintable())[:120] or "failed"
