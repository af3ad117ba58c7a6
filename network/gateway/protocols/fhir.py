"""FHIR R4 over HTTP: read, search, create and transaction, each resource by the rule of its type."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from network.gateway import dlp, exact
from network.gateway.channel import Channel, Interaction
from network.gateway.fhir import bundles
from network.gateway.fhir.concepts import concepts
from network.gateway.fhir.rules import Rule, Rules, compiled_rules
from network.gateway.findings import NONE_ALLOWED, Allowed, Findings, Search
from network.gateway.frames import Frame
from network.gateway.inspect import finished
from network.gateway.primitives import STEP
from network.gateway.protocols.base import Crossing, Outcome, Reply, Wire
from network.gateway.query import personal, query_anew
from network.gateway.refusals import (
    BodyRefused,
    Bulk,
    FarSideFailed,
    GatewayRefusal,
    QueryRefused,
    body,
)

JSON = "application/fhir+json"
Object = dict[str, object]
Judge = Callable[[Object, Findings], Object]
_TOLD = frozenset({400, 404, 409, 410, 412, 422})
"""What a server says no with, and the asker may know."""
_REJECTED = frozenset({400, 405, 410, 412, 413, 415, 422})
"""After these a delivery will never be taken."""
_TARGET = re.compile(rf"(?:/([A-Z][A-Za-z]{{1,63}})(?:/({STEP}))?)?/?")
_SINGLE = ("create", "read")
_ISSUES = {400: "invalid", 403: "forbidden", 409: "conflict", 413: "too-long", 422: "invalid",
           429: "throttled", 503: "transient", 504: "timeout"}  # fmt: skip

BULK = 500
"""Entries of one Bundle; more is a bulk export, which needs `bulk` on the channel."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What a request asks for: the interaction, its type's rule (none in a transaction) and an id."""

    interaction: Interaction
    rule: Rule | None = None
    ident: str = ""

    @property
    def type(self) -> str:
        """The resource type, or `Bundle` in a transaction."""
        return self.rule.resource.type if self.rule else "Bundle"

    @property
    def kind(self) -> str:
        """Its name for people."""
        return f"{self.interaction} {self.type}" if self.rule else self.interaction


@dataclass(frozen=True)
class FhirPlan:
    """A channel with the compiled rules of its resources; its path is the base."""

    channel: Channel
    rules: Rules
    transacts: bool

    def match(self, ask: Frame) -> bool:
        """See `Plan.match`."""
        return self._meant(ask.method, ask.target) is not None

    def ask(self, ask: Frame) -> Crossing:
        """See `Plan.ask`."""
        meant = self._meant(ask.method, ask.target)
        if meant is None:
            raise BodyRefused(path="$", why="not what this channel is for")
        if ask.method == "GET":
            return self._reading(ask, meant)
        return self._writing(ask.body, meant, ask.key)

    def again(self, stored: bytes) -> bytes:
        """See `Plan.again`."""
        return self._writing(stored, self._stored(stored), "").body

    def call(self, stored: bytes) -> Crossing:
        """See `Plan.call`."""
        meant = self._stored(stored)
        return Crossing(stored, "POST", self._target(meant), JSON, kind=meant.kind)

    def answer(self, asked: Crossing, result: Frame) -> Crossing:
        """See `Plan.answer`."""
        meant = self._meant(asked.method, asked.target)
        if meant is None or (result.status not in _TOLD and not 200 <= result.status < 300):
            raise FarSideFailed(why=f"HTTP {result.status}")
        kind, created = f"answer to {asked.kind}", meant.interaction == "create"
        if result.status in _TOLD:
            return Crossing(
                self._denial(result.body), content_type=JSON, kind=kind, status=result.status
            )
        at = bundles.place(result.target, self.channel.path, meant.type) if created else ""
        tag = bundles.etag(result.key)
        if created and not result.body:
            return Crossing(
                b"", target=at, content_type=JSON, kind=kind, key=tag, status=result.status
            )
        body, findings, dropped = self._judged(
            result.body, meant, lambda value, found: self._answered(meant, value, found)
        )
        return Crossing(
            body, "POST", at, JSON, kind, tag, dropped, findings.masked, findings.inert,
            findings.found, tuple(findings.attachments), result.status,
        )  # fmt: skip

    def accepted(self, ask: Frame, delivery: str) -> Reply:  # noqa: ARG002 - the protocol's form
        """See `Plan.accepted`."""
        said = _outcome("information", "informational", delivery,
                        "已受理，待投递", "Accepted, to be delivered.")  # fmt: skip
        return Reply(202, JSON, exact.write({**said, "id": delivery}))

    def outcome(self, sent: bytes, result: Frame) -> Outcome:  # noqa: ARG002 - the protocol's form
        """See `Plan.outcome`."""
        if result.code or not 200 <= result.status < 300:
            end = "dead" if not result.code and result.status in _REJECTED else "again"
            return Outcome(end, result.code or f"HTTP {result.status}")  # type: ignore[arg-type]
        if self.transacts and b"-response" in result.body:
            return _batch(result.body, self.channel.body_limit)
        return Outcome("delivered")

    # What is asked

    def _meant(self, method: str, target: str) -> Meant | None:
        """Return what a request line asks for, or None when this channel does not do that."""
        path, _, query = target.partition("?")
        base = self.channel.path
        seen = _TARGET.fullmatch(path[len(base) :]) if path.startswith(base) else None
        if seen is None:
            return None
        name, ident = seen.groups()
        if method == "POST":
            return self._written(name) if not ident and not query else None
        rule = self.rules.by_type.get(name or "")
        wanted: Interaction = "read" if ident else "search"
        if method != "GET" or rule is None or not rule.does(wanted) or (ident and query):
            return None
        return Meant(wanted, rule, ident or "")

    def _written(self, name: str | None) -> Meant | None:
        if name is None:
            return Meant("transaction") if self.transacts else None
        rule = self.rules.by_type.get(name)
        return Meant("create", rule) if rule and rule.does("create") else None

    def _stored(self, stored: bytes) -> Meant:
        value, _ = exact.read(stored, limit=self.channel.body_limit)
        name = value.get("resourceType")
        sent = self.transacts and bundles.is_sent(value)
        meant = self._written(None if sent else str(name))
        if meant is None:
            raise BodyRefused(path="$.resourceType", why="not what this channel is for")
        return meant

    def _target(self, meant: Meant) -> str:
        base = self.channel.path
        if meant.rule is None:
            return base
        return f"{base}/{meant.type}/{meant.ident}" if meant.ident else f"{base}/{meant.type}"

    def _reading(self, ask: Frame, meant: Meant) -> Crossing:
        if ask.body:
            raise BodyRefused(path="$", why="this request takes no body")
        target, rule = self._target(meant), meant.rule
        if rule is None or meant.ident:
            found = dlp.summary(dlp.find(meant.ident, rule.kinds)) if rule else ""
            return Crossing(b"", "GET", target, kind=meant.kind, found=found)
        anew = query_anew(rule.resource.params, ask.target.partition("?")[2])
        found = personal(anew, rule.kinds)
        return Crossing(
            b"", "GET", f"{target}?{anew}" if anew else target, kind=meant.kind, found=found
        )

    def _writing(self, told: bytes, meant: Meant, key: str) -> Crossing:
        body, findings, dropped = self._judged(
            told, meant, lambda value, found: self._written_value(meant, value, found)
        )
        return Crossing(
            body, "POST", self._target(meant), JSON, meant.kind, key, dropped, findings.masked,
            findings.inert, findings.found, tuple(findings.attachments),
        )  # fmt: skip

    def _written_value(self, meant: Meant, value: Object, findings: Findings) -> Object:
        if meant.rule is None:
            return bundles.transaction(value, self.rules, findings)
        if value.get("resourceType") != meant.type:
            raise BodyRefused(path="$.resourceType", why=f"not {meant.type}")
        if self.transacts and bundles.is_sent(value):
            raise BodyRefused(path="$.type", why="a transaction goes to the base")
        return self.rules.take(value, findings)

    # What is answered

    def _answered(self, meant: Meant, value: Object, findings: Findings) -> Object:
        if meant.interaction == "search":
            return bundles.found(value, self.rules, findings, lambda url: self._page(meant, url))
        if meant.interaction == "transaction":
            return bundles.done(value, self.channel.path)
        if value.get("resourceType") == "OperationOutcome" and meant.interaction == "create":
            return bundles.outcome(value)
        if value.get("resourceType") != meant.type:
            raise BodyRefused(path="$.resourceType", why=f"not {meant.type}")
        if meant.ident and value.get("id") != meant.ident:
            raise BodyRefused(path="$.id", why="not the one that was asked for")
        return self.rules.take(value, findings)

    def _page(self, meant: Meant, url: str) -> str:
        """Return the address of another page of a search, if its parameters are allowed ones."""
        path, _, query = url.partition("?")
        if meant.rule is None or path.rpartition("/")[2] != meant.type:
            return ""
        try:
            return f"{self._target(meant)}?{query_anew(meant.rule.resource.params, query)}"
        except QueryRefused:
            return ""

    def _denial(self, told: bytes) -> bytes:
        try:
            value, _ = exact.read(told, limit=self.channel.body_limit)
        except BodyRefused:
            value = {}
        return exact.write(bundles.outcome(value))

    def _judged(self, told: bytes, meant: Meant, judge: Judge) -> tuple[bytes, Findings, int]:
        """Return the body that may cross, what was found in it, and how many keys were left behind."""
        findings, limit = Findings(), self.channel.body_limit
        if self.rules.whole and meant.interaction in _SINGLE:
            value = exact.parsed(told, limit=limit)
            kept = judge(value, findings)  # counts the keys on its way, and knows its depth
            if kept is value:
                exact.check_once(told, findings.keys)
                return self._looked_at(kept, findings, meant), findings, 0
            findings = Findings()
        value, count = exact.read(told, limit=limit)
        kept = judge(value, findings)
        body = self._looked_at(kept, findings, meant)
        return body, findings, max(0, count - exact.keys(kept))

    def _looked_at(self, kept: Object, findings: Findings, meant: Meant) -> bytes:
        entries = kept.get("entry") if kept.get("resourceType") == "Bundle" else None
        if isinstance(entries, list) and len(entries) > BULK and not self.channel.bulk:
            raise Bulk(limit=BULK)
        may = NONE_ALLOWED
        if meant.rule and meant.interaction == "search":
            # The address of another page repeats what was asked for.
            may = Allowed(below={"link": Allowed(below={"url": Allowed(meant.rule.kinds)})})
        search = Search(findings, self.channel.leak == "mask", self.rules.may, concepts)
        return finished(kept, search, may)


class Fhir:
    """See `Content`."""

    wire: Wire = "http"

    def plan(self, channel: Channel) -> FhirPlan:
        """See `Content.plan`."""
        laws = {
            "a base path": bool(channel.path),
            "resources": bool(channel.resources),
            "nothing of another protocol": not (
                channel.method or channel.resource or channel.request or channel.response
                or channel.query or channel.types or channel.parts or channel.media
            ),
        }  # fmt: skip
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError(f"channel {channel.id}: {', '.join(broken)}")
        rules = compiled_rules(channel)
        return FhirPlan(channel, rules, any(r.does("transaction") for r in rules.by_type.values()))

    def refused(self, ask: Frame, refusal: GatewayRefusal) -> Reply:  # noqa: ARG002
        """See `Content.refused`."""
        said = body(refusal)
        issue = _ISSUES.get(refusal.status, "processing")
        told = _outcome("error", issue, refusal.code, refusal.message.zh, refusal.message.en)
        return Reply(refusal.status, JSON, exact.write(said | told))


def _outcome(severity: str, issue: str, code: str, zh: str, en: str) -> Object:
    """Return an OperationOutcome; `code` stands where FHIR lets a server say its own."""
    details = {"coding": [{"system": "urn:hbox:gateway", "code": code}], "text": f"{zh} {en}"}
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": issue, "details": details}],
    }


def _batch(told: bytes, limit: int) -> Outcome:
    try:
        value, _ = exact.read(told, limit=limit)
        failed = bundles.failures(value)
    except BodyRefused as refusal:
        return Outcome("dead", f"its answer: {refusal.message.en}"[:200])
    return Outcome("dead", "; ".join(failed)[:200]) if failed else Outcome("delivered")
