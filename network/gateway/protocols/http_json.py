"""JSON over HTTP on one exact path (webhooks, single FHIR resources): fields by an allow-list."""

from dataclasses import dataclass

import orjson

from network.gateway.channel import Channel
from network.gateway.frames import Frame
from network.gateway.inspect import Node, compiled, every_kind, minimise
from network.gateway.protocols.base import Crossing, Outcome, Reply, Wire
from network.gateway.query import personal, query_anew
from network.gateway.refusals import BodyRefused, FarSideFailed, GatewayRefusal, body

JSON = "application/fhir+json"


@dataclass(frozen=True)
class JsonPlan:
    """A channel with the compiled trees of its request and response."""

    channel: Channel
    request: Node
    response: Node
    kinds: frozenset[str]

    def match(self, ask: Frame) -> bool:
        """See `Plan.match`."""
        path = ask.target.partition("?")[0]
        return ask.method == self.channel.method and path == self.channel.path

    def ask(self, ask: Frame) -> Crossing:
        """See `Plan.ask`."""
        channel = self.channel
        path, _, query = ask.target.partition("?")
        anew = query_anew(channel.query, query)
        target = f"{path}?{anew}" if anew else path
        kind = f"{channel.method} {channel.resource or channel.path}"
        if channel.method == "GET":
            if ask.body:
                raise BodyRefused(path="$", why="this channel takes no body")
            return Crossing(b"", "GET", target, kind=kind, found=personal(anew, self.kinds))
        return self._crossing(ask.body, self.request, target=target, kind=kind, key=ask.key)

    def call(self, stored: bytes) -> Crossing:
        """See `Plan.call`."""
        return Crossing(stored, "POST", self.channel.path, JSON)

    def again(self, stored: bytes) -> bytes:
        """See `Plan.again`."""
        return self._crossing(stored, self.request).body

    def answer(self, asked: Crossing, result: Frame) -> Crossing:
        """See `Plan.answer`."""
        if result.status != 200:
            raise FarSideFailed(why=f"HTTP {result.status}")
        return self._crossing(result.body, self.response, kind=f"answer to {asked.kind}")

    def _crossing(
        self, told: bytes, shape: Node, *, target: str = "", kind: str = "", key: str = ""
    ) -> Crossing:
        channel = self.channel
        kept = minimise(told, shape, limit=channel.body_limit, mask=channel.leak == "mask")
        done = kept.findings
        return Crossing(
            kept.body, "POST", target, JSON, kind=kind, key=key, dropped=kept.dropped,
            masked=done.masked, inert=done.inert, found=done.found,
            attachments=tuple(done.attachments),
        )  # fmt: skip

    def accepted(self, ask: Frame, delivery: str) -> Reply:  # noqa: ARG002 - the protocol's form
        """See `Plan.accepted`."""
        return Reply(202, JSON, orjson.dumps({"delivery": delivery, "state": "accepted"}))

    def outcome(self, sent: bytes, result: Frame) -> Outcome:  # noqa: ARG002 - the protocol's form
        """See `Plan.outcome`."""
        if result.code or not 200 <= result.status < 300:
            return Outcome("again", result.code or f"HTTP {result.status}")
        return Outcome("delivered")


class HttpJson:
    """See `Content`."""

    wire: Wire = "http"

    def plan(self, channel: Channel) -> JsonPlan:
        """See `Content.plan`."""
        laws = {
            "its method": bool(channel.method and channel.path),
            "a store lane takes POST and has no response": channel.lane == "request"
            or (channel.method == "POST" and not channel.response),
            "GET has no body": channel.method == "POST" or not channel.request,
            "POST needs fields": channel.method == "GET" or bool(channel.request),
            "a request lane needs response fields": channel.lane == "store"
            or bool(channel.response),
            "a field that pins its resource": not channel.resource or _pinned(channel),
        }
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError(f"channel {channel.id}: {', '.join(broken)}")
        request, response = compiled(channel.request), compiled(channel.response)
        return JsonPlan(channel, request, response, every_kind(request) | every_kind(response))

    def refused(self, ask: Frame, refusal: GatewayRefusal) -> Reply:  # noqa: ARG002
        """See `Content.refused`."""
        return Reply(refusal.status, "application/json", orjson.dumps(body(refusal)))


def _pinned(channel: Channel) -> bool:
    fields = channel.request or channel.response
    return any(
        f.path == "resourceType" and f.required and f.values == (channel.resource,) for f in fields
    )
