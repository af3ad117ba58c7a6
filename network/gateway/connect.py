"""Opening a line to a receiver, in the clear or by TLS, for the callers of every wire."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from OpenSSL import SSL

from appliance.errors import BoxError
from network.gateway.suites import Agreed, Contexts, assure, assure_receiver
from network.gateway.tls import Handshakes, Manner, Secured

P = TypeVar("P", bound=asyncio.Protocol)


class Outward:
    """How a leg secures its calls: its identities, and the turns its handshakes take."""

    def __init__(self, contexts: Contexts, turns: Handshakes) -> None:
        self._contexts, self._turns = contexts, turns

    def manner(self, secure: str, host: str) -> Manner:
        """Return the manner that `secure` (`tls` or `sm`, `:` and a pin) names; raises `NoIdentity`."""
        kind, _, pin = secure.partition(":")
        context = self._contexts.calling(kind, pinned=bool(pin))

        def check(connection: SSL.Connection) -> Agreed:
            found = assure(connection, kind)
            assure_receiver(connection, found, pin, host)
            return found

        return Manner(context, check, self._turns, accepts=False)


async def connect(factory: Callable[[], P], peer: str, secure: str, outward: Outward | None) -> P:
    """Return a protocol of `factory` that is connected to `peer` (`host:port`) as `secure` demands.

    `secure` is a CALL frame's: empty or `none`, `tls` or `sm`, with a colon and a fingerprint to pin.
    Raises `OSError` (also `ConnectionError`) when nobody is there or the handshake is not as demanded.
    """
    host, _, port = peer.rpartition(":")
    loop = asyncio.get_running_loop()
    if secure in {"", "none"}:
        _, made = await loop.create_connection(factory, host, int(port))
        return made
    if outward is None:
        raise ConnectionError("no certificates here")
    try:
        manner = outward.manner(secure, host)
    except BoxError as error:
        raise ConnectionError(error.message.en) from error
    ready: asyncio.Future[asyncio.Protocol] = loop.create_future()
    transport, _ = await loop.create_connection(
        lambda: Secured(manner, factory, ready=ready), host, int(port)
    )
    try:
        return cast("P", await ready)
    except BaseException:  # also when the caller's time is over
        transport.abort()
        raise
