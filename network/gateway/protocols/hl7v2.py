"""HL7 v2 over MLLP: messages by type and trigger event, parts by an allow-list, stored and forwarded."""

import re
from dataclasses import dataclass

from network.gateway.channel import Channel
from network.gateway.frames import Frame
from network.gateway.hl7 import ack
from network.gateway.hl7.message import head_of
from network.gateway.hl7.minimise import Minimised, minimise
from network.gateway.hl7.parts import Rule, compiled
from network.gateway.protocols.base import Crossing, Outcome, Reply, Wire
from network.gateway.records import sm3
from network.gateway.refusals import BodyRefused, FarSideFailed, GatewayRefusal

ER7 = "x-application/hl7-v2+er7"
_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}\^[A-Z][A-Z0-9]{2}")


@dataclass(frozen=True)
class Hl7Plan:
    """A channel with the compiled rules of its segments."""

    channel: Channel
    rules: dict[str, Rule]

    def match(self, ask: Frame) -> bool:
        """See `Plan.match`. A message whose head cannot be read matches, and `ask` says why not."""
        try:
            return head_of(ask.body, self.channel.charset).type in self.channel.types
        except BodyRefused:
            return True

    def ask(self, ask: Frame) -> Crossing:
        """See `Plan.ask`."""
        done = self._held(ask.body)
        head = done.head
        key = sm3(head.get(3).encode(), b"\r", head.get(10).encode(), b"\r", done.body).hex()
        return Crossing(
            done.body, "MLLP", "/", ER7, head.type, key, done.dropped, done.masked, done.inert,
            done.found, done.files,
        )  # fmt: skip

    def again(self, stored: bytes) -> bytes:
        """See `Plan.again`."""
        if head_of(stored, self.channel.charset).type not in self.channel.types:
            raise BodyRefused(path="MSH-9", why="this channel takes the type no more", hl7=200)
        return self._held(stored).body

    def call(self, stored: bytes) -> Crossing:
        """See `Plan.call`."""
        return Crossing(stored, "MLLP", "/", ER7)

    def answer(self, asked: Crossing, result: Frame) -> Crossing:  # noqa: ARG002 - the protocol's form
        """See `Plan.answer`: an HL7 channel has no request lane."""
        raise FarSideFailed(why="not a request")

    def accepted(self, ask: Frame, delivery: str) -> Reply:
        """See `Plan.accepted`."""
        return Reply(200, ER7, ack.accepted(head_of(ask.body, self.channel.charset), delivery))

    def outcome(self, sent: bytes, result: Frame) -> Outcome:
        """See `Plan.outcome`: only an acknowledgement of this very message delivers it."""
        if result.code:
            return Outcome("again", result.code)
        got = ack.read(result.body)
        if got is None:
            return Outcome("again", "not an acknowledgement")
        if not ack.confirms(sent, got):
            return Outcome("again", "an acknowledgement of another message")
        if got.code in ("AA", "CA"):
            return Outcome("delivered", got.code)
        return Outcome("again" if got.code in ("AE", "CE") else "dead", got.code)

    def _held(self, raw: bytes) -> Minimised:
        channel = self.channel
        if len(raw) > channel.body_limit:
            raise BodyRefused(path="$", why=f"over {channel.body_limit} bytes")
        return minimise(raw, self.rules, channel.charset, mask=channel.leak == "mask")


class Hl7v2:
    """See `Content`."""

    wire: Wire = "mllp"

    def plan(self, channel: Channel) -> Hl7Plan:
        """See `Content.plan`."""
        laws = {
            "its types": bool(channel.types) and all(map(_TYPE.fullmatch, channel.types)),
            "its parts": bool(channel.parts),
            "a store lane": channel.lane == "store",
            "no method, path or fields of another protocol": not (
                channel.method or channel.path or channel.request or channel.response
            ),
        }
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError(f"channel {channel.id}: {', '.join(broken)}")
        try:
            return Hl7Plan(channel, compiled(channel.parts))
        except ValueError as error:
            raise ValueError(f"channel {channel.id}: {error}") from error

    def refused(self, ask: Frame, refusal: GatewayRefusal) -> Reply:
        """See `Content.refused`: AE (CE) where sending it again may help, otherwise AR (CR)."""
        later = refusal.status >= 500 or refusal.status in (408, 429)
        return Reply(refusal.status, ER7, ack.refused(ask.body, "GB18030", refusal, again=later))
