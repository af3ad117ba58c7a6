"""What a leg listens on, derived from the signed policy; a leg itself decides nothing."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from network.gateway.channel import Channel, Tls
from network.gateway.protocols import PROTOCOLS
from network.gateway.protocols.base import Wire


@dataclass(frozen=True)
class Listen:
    """One door of a leg; with `client_cert` a caller must show a certificate. Files have no port."""

    wire: Wire
    port: int
    tls: Tls = "none"
    client_cert: bool = False


def listening(channels: Iterable[Channel], side: str, plan_port: int) -> tuple[Listen, ...]:
    """Return the doors of `side`, by port; without any channel plain HTTP, so that a no is said.

    Raises:
        ValueError: two channels want different things of one port.
    """
    doors: dict[int, Listen] = {}
    for channel in channels:
        if channel.source != side:
            continue
        wanted = Listen(
            PROTOCOLS[channel.protocol].wire, channel.listens(plan_port), channel.tls, bool(channel.client_cert)
        )  # fmt: skip
        if doors.setdefault(wanted.port, wanted) != wanted:
            raise ValueError(f"channel {channel.id}: port {wanted.port} is another door")
    return tuple(doors[port] for port in sorted(doors)) or (Listen("http", plan_port),)


def render(doors: Iterable[Listen]) -> str:
    """Return the doors as the JSON list that a leg is started with."""
    return json.dumps([asdict(door) for door in doors], separators=(",", ":"))


def read(text: str) -> tuple[Listen, ...]:
    """Return the doors of such a list; raises `ValueError` or `TypeError`."""
    return tuple(Listen(**told) for told in json.loads(text))
