"""What a protocol of the gateway must do: read a message, keep what its channel allows, make it anew."""

from dataclasses import dataclass
from typing import Literal, Protocol

from network.gateway.channel import Channel
from network.gateway.frames import Frame
from network.gateway.refusals import GatewayRefusal

Wire = Literal["http", "mllp", "files"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """What of one message may cross, made anew, and what was done to it.

    `kind` names the message for people (`POST Appointment`, `SIU^S12`); `key` is equal for the same
    message sent again (empty: none). `dropped`, `masked` and `inert` count fields left behind,
    masked, or with markup made harmless; `found` says which personal numbers stood where none was
    declared, as `id-card:2,phone:1`. `attachments` are decoded files that must be scanned first.
    Of an answer `status` is its HTTP status, `target` the new Location and `key` the ETag.
    """

    body: bytes
    method: str = "POST"
    target: str = ""
    content_type: str = ""
    kind: str = ""
    key: str = ""
    dropped: int = 0
    masked: int = 0
    inert: int = 0
    found: str = ""
    attachments: tuple[bytes, ...] = ()
    status: int = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender is told; `status` is an HTTP status, also where the wire has none."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a delivery: `delivered`, `again` (try later) or `dead` (the receiver rejects it)."""

    end: Literal["delivered", "again", "dead"]
    why: str = ""


class Plan(Protocol):
    """One channel, compiled by its protocol. It holds no state and does no I/O."""

    @property
    def channel(self) -> Channel:
        """The channel it was compiled from."""

    def match(self, ask: Frame) -> bool:
        """Whether `ask` means this channel; its side, wire and listening port already agree."""

    def ask(self, ask: Frame) -> Crossing:
        """Return what of the request may cross; raises a `GatewayRefusal`."""

    def again(self, stored: bytes) -> bytes:
        """Hold a stored body against this channel once more; raises `BodyRefused`."""

    def call(self, stored: bytes) -> Crossing:
        """Return how a stored body is delivered: body, method, target and content type."""

    def answer(self, asked: Crossing, result: Frame) -> Crossing:
        """Return what of the receiver's answer may go back (request lane); raises a `GatewayRefusal`."""

    def accepted(self, ask: Frame, delivery: str) -> Reply:
        """Return the acknowledgement of a stored message; it is sent only when it is durable."""

    def outcome(self, sent: bytes, result: Frame) -> Outcome:
        """Return what the receiver's answer to a delivery means."""


class Content(Protocol):
    """A protocol: one file, one entry in `PROTOCOLS`."""

    @property
    def wire(self) -> Wire:
        """On which wire its messages come."""

    def plan(self, channel: Channel) -> Plan:
        """Compile `channel`; raises `ValueError` when it breaks a law of this protocol."""

    def refused(self, ask: Frame, refusal: GatewayRefusal) -> Reply:
        """Return the answer that says no in this protocol's own words."""
