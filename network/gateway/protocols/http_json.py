"""JSON over HTTP on one exact path (webhooks, single FHIR resources): fields by an allow-list."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import orjson

from network.gateway.channel import Channel
from network.gateway.frames import Frame
from network.gateway.inspect import Node, compiled, minimise
from network.gateway.protocols.base import Crossing, Outcome, Reply, Wire
from network.gateway.refusals import (
    BodyRefused,
    FarSideFailed,
    GatewayRefusal,
    QueryRefused,
    body,
)

JSON = "application/fhir+json"


@dataclass(frozen=True)
class JsonPlan:
    """A channel with the compiled trees of its request and response."""

    channel: Channel
    request: Node
    response: Node

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
            return Crossing(b"", "GET", target, kind=kind)
        kept = minimise(ask.body, self.request, limit=channel.body_limit)
        return Crossing(
            kept.body, "POST", target, JSON, kind=kind, key=ask.key, dropped=kept.dropped
        )

    def again(self, stored: bytes) -> bytes:
        """See `Plan.again`."""
        return minimise(stored, self.request, limit=self.channel.body_limit).body

    def answer(self, asked: Crossing, result: Frame) -> Crossing:
        """See `Plan.answer`."""
        if result.status != 200:
            raise FarSideFailed(why=f"HTTP {result.status}")
        kept = minimise(result.body, self.response, limit=self.channel.body_limit)
        return Crossing(
            kept.body, content_type=JSON, kind=f"answer to {asked.kind}", dropped=kept.dropped
        )

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
        return JsonPlan(channel, compiled(channel.request), compiled(channel.response))

    def refused(self, ask: Frame, refusal: GatewayRefusal) -> Reply:  # noqa: ARG002
        """See `Content.refused`."""
        return Reply(refusal.status, "application/json", orjson.dumps(body(refusal)))


def _pinned(channel: Channel) -> bool:
    fields = channel.request or channel.response
    return any(
        f.path == "resourceType" and f.required and f.values == (channel.resource,) for f in fields
    )


# Written anew a query may be three times as long, and no frame holds it.
_QUERY_LIMIT = 2048
_VALUE = re.compile(r"[ -~\u4e00-\u9fff]{0,128}")


def query_anew(allowed: tuple[str, ...], query: str) -> str:
    """Return the query string made anew from `allowed` parameters; raises `QueryRefused`."""
    if not query:
        return ""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=16
        )
    except ValueError as error:
        raise QueryRefused(name=query[:40]) from error
    for name, value in pairs:
        if name not in allowed or not _VALUE.fullmatch(value):
            raise QueryRefused(name=name[:40])
    anew = urlencode(pairs)
    if len(anew) > _QUERY_LIMIT:
        raise QueryRefused(name="over its bound")
    return anew
