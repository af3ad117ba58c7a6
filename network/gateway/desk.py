"""What the doors of a leg and the leg itself ask of each other, the same for every wire."""

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from network.gateway.refusals import GatewayRefusal


@dataclass(frozen=True, slots=True)
class Asked:
    """One whole message as the leg understood it; header names and values beyond these are lost."""

    method: str
    target: str
    key: str
    body: bytes


class Watched(Protocol):
    """A connection that is counted and looked at every second."""

    peer: str

    def check(self, now: float) -> None:
        """End what is over its time; `now` is `clock.monotonic()`."""


class Doorway(Watched, Protocol):
    """A connection on which messages come; `slot` is the door's own mark of one of them."""

    port: int
    secure: str

    def answer(
        self,
        slot: object,
        status: int,
        content_type: str,
        body: bytes,
        *,
        location: str = "",
        etag: str = "",
    ) -> None:
        """Tell the peer; answers leave in the order of asking."""

    def deny(self, slot: object, refusal: GatewayRefusal) -> None:
        """Tell the peer that the leg itself did not take the message."""


class Desk(Protocol):
    """Who takes what a door has understood."""

    def opened(self, door: Watched) -> bool:
        """Count a connection in; False sends it away."""

    def closed(self, door: Watched) -> None:
        """Count it out."""

    def holds(self, door: Watched, size: int) -> bool:
        """Say how many bytes of an unfinished message the door keeps; False when that is too many."""

    def asked(self, door: Doorway, slot: object, asked: Asked) -> None:
        """Take a whole message; `door.answer` or `door.deny` is to be called later."""

    def refused(self, door: Watched, refusal: GatewayRefusal) -> bytes:
        """Note a refusal and return the JSON that says so."""


def where(transport: asyncio.BaseTransport) -> tuple[str, int, str]:
    """Return the peer's address, the leg's listening port, the fingerprint of the peer's certificate."""
    peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    return str(peer[0]), int(own[1]), str(transport.get_extra_info("fingerprint", ""))


_ASCII = re.compile(r"[!-~][ -~]{0,199}")


def printable(value: bytes) -> str:
    """Return a header's value when it may stand in a frame: printable ASCII within its bound."""
    text = value.decode("latin-1").strip()
    return text if _ASCII.fullmatch(text) else ""
