"""A dry run: what crossed before, held against the policy in force and against a changed one.

Nothing is sent and nothing journaled. The journal holds only what was let across, so this can show
what would cross no more, not what more would; the latter says `widening`.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from network.gateway.doors import Doors
from network.gateway.frames import Frame, Kind
from network.gateway.limits import Daily
from network.gateway.policy import Loaded
from network.gateway.protocols import PROTOCOLS, Crossing, Plan
from network.gateway.records import Facts
from network.gateway.refusals import BodyRefused, GatewayRefusal
from network.zones import PLAN

EXAMPLES = 5  # of each channel; a record's number, never its content
_DOOR_RULES = frozenset({"gateway.no_channel", "gateway.wrong_peer", "gateway.wrong_certificate"})


@dataclass(frozen=True)
class Kept:
    """One journal record of a message: its number, facts and clear body."""

    number: int
    facts: Facts
    body: bytes


@dataclass(frozen=True)
class Example:
    """One record to look at: `what` as in `Tally`, `rule` the refusal's code, `path` the field it names."""

    number: int
    at: str
    what: str
    rule: str = ""
    path: str = ""


@dataclass
class Tally:
    """What would become of one channel's messages.

    `refused` counts by rule what crosses now and would not; `allowed` what is refused now and would
    cross, `reached` what finds a door only then (its content was not kept); `fewer` and `more` count
    messages with other fields, `fields` those fields; `changed` other content in the same fields;
    `moved` goes by another channel; `left` are fields that stayed behind when they crossed.
    """

    channel: str
    messages: int = 0
    same: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    allowed: int = 0
    reached: int = 0
    fewer: int = 0
    more: int = 0
    fields: int = 0
    changed: int = 0
    moved: int = 0
    left: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True)
class _Judged:
    plan: Plan | None = None
    passed: Crossing | None = None
    rule: str = ""
    path: str = ""


class _Side:
    """One of the two policies with its own counts of rate and quota."""

    def __init__(self, loaded: Loaded, time: "Rehearsal", port: int) -> None:
        self.doors = Doors(loaded, time.clock, local=time.local, port=port)
        self._daily = Daily((plan.channel for plan in loaded.plans.values()), time.local)

    def judge(self, facts: Facts, ask: Frame) -> _Judged:
        try:
            plan = self.doors.find(facts.side, ask)
            self.doors.admit(plan)
            self._daily.check(plan.channel)
            # A file itself was delivered and is gone: only its door can be tried.
            is_file = plan.channel.protocol == "files"
            passed = Crossing(ask.body) if is_file else plan.ask(ask)
        except GatewayRefusal as refusal:
            return _refusal(refusal)
        self._daily.replay(replace(facts, channel=plan.channel.id))
        return _Judged(plan, passed)


class Rehearsal:
    """Two policies, one stream of records in the journal's order."""

    def __init__(self, now: Loaded, then: Loaded, port: int = PLAN.port) -> None:
        self.tallies: dict[str, Tally] = {}
        self._port = port
        self._at = dt.datetime.fromtimestamp(0, dt.UTC)
        self._now, self._then = (_Side(loaded, self, port) for loaded in (now, then))
        self._asked: dict[str, tuple[_Judged, _Judged]] = {}

    def take(self, kept: Kept) -> None:
        """Judge one record twice and count the difference; records of other events change nothing."""
        facts = kept.facts
        if facts.at:
            self._at = dt.datetime.fromisoformat(facts.at)
        if facts.event in ("accepted", "request"):
            self._crossed(kept)
        elif facts.event == "answer":
            self._answered(kept)
        elif facts.event == "refused":
            self._refused(kept)

    def clock(self) -> float:
        """The time of the record in hand, seconds."""
        return self._at.timestamp()

    def local(self) -> dt.datetime:
        """The same as the box's wall clock showed it."""
        return self._at.astimezone()

    # What crossed

    def _crossed(self, kept: Kept) -> None:
        facts = kept.facts
        ask = self._frame(kept)
        pair = (self._now.judge(facts, ask), self._then.judge(facts, ask))
        if facts.event == "request" and facts.delivery:
            self._asked[facts.delivery] = pair
        tally = self._tally(facts.channel)
        tally.messages += 1
        tally.left += facts.dropped
        _compare(tally, kept, *pair)

    def _answered(self, kept: Kept) -> None:
        pair = self._asked.pop(kept.facts.delivery, None)
        if pair is None or pair[0].passed is None or pair[1].passed is None:
            return
        tally = self._tally(kept.facts.channel or _name(pair[0]))
        tally.messages += 1
        tally.left += kept.facts.dropped
        _compare(tally, kept, *(_answer(judged, kept) for judged in pair))

    def _frame(self, kept: Kept) -> Frame:
        facts = kept.facts
        plans = self._now.doors.plans, self._then.doors.plans
        plan = plans[0].get(facts.channel) or plans[1].get(facts.channel)
        ask = Frame(
            Kind.ASK, 0, facts.method, facts.target, facts.peer, key=facts.key[:64], body=kept.body
        )
        if plan is None:
            return ask
        port = plan.channel.listens(self._port)
        return replace(ask, port=port, secure=plan.channel.client_cert)

    # What was refused

    def _refused(self, kept: Kept) -> None:
        facts = kept.facts
        if facts.rule not in _DOOR_RULES:
            return
        was, would = (self._door(side.doors, kept) for side in (self._now, self._then))
        name = would or was
        if name == was:
            return
        tally = self._tally(name)
        count = max(1, facts.count)
        tally.messages += count
        tally.reached += count
        _example(tally, kept, "reached", facts.rule)

    def _door(self, doors: Doors, kept: Kept) -> str:
        """Return the channel whose door this message would come to; its content was not kept."""
        facts = kept.facts
        for plan in doors.plans.values():
            channel = plan.channel
            if channel.source != facts.side or channel.peer != facts.peer:
                continue
            if PROTOCOLS[channel.protocol].wire == "mllp":
                if facts.method == "MLLP" and facts.kind in channel.types:
                    return channel.id
                continue
            if facts.method not in ("MLLP", "FILE") and plan.match(self._frame(kept)):
                return channel.id
        return ""

    def _tally(self, channel: str) -> Tally:
        return self.tallies.setdefault(channel, Tally(channel))


def _answer(judged: _Judged, kept: Kept) -> _Judged:
    if judged.plan is None or judged.passed is None:
        return judged
    result = Frame(
        Kind.RESULT, 0, content_type="application/fhir+json", status=kept.facts.status or 200,
        body=kept.body,
    )  # fmt: skip
    try:
        return replace(judged, passed=judged.plan.answer(judged.passed, result))
    except GatewayRefusal as refusal:
        return _refusal(refusal)


def _refusal(refusal: GatewayRefusal) -> _Judged:
    # The place of a field tells nothing of a patient; what stood there might.
    path = str(refusal.fields.get("path", "")) if isinstance(refusal, BodyRefused) else ""
    return _Judged(rule=refusal.code, path=path[:120])


def _name(judged: _Judged) -> str:
    return judged.plan.channel.id if judged.plan else ""


def _compare(tally: Tally, kept: Kept, was: _Judged, would: _Judged) -> None:
    what = _difference(was, would)
    if what == "refused":
        tally.refused[would.rule] = tally.refused.get(would.rule, 0) + 1
    else:
        setattr(tally, what, getattr(tally, what) + 1)
    if what in ("fewer", "more") and was.passed and would.passed:
        tally.fields += abs(would.passed.dropped - was.passed.dropped)
    if what != "same":
        _example(tally, kept, what, would.rule, would.path)


def _difference(was: _Judged, would: _Judged) -> str:
    if was.passed is None or would.passed is None:
        return {(True, False): "refused", (False, True): "allowed"}.get(
            (was.passed is not None, would.passed is not None), "same"
        )
    if _name(was) != _name(would):
        return "moved"
    if was.passed.dropped != would.passed.dropped:
        return "fewer" if would.passed.dropped > was.passed.dropped else "more"
    same = (was.passed.body, was.passed.target) == (would.passed.body, would.passed.target)
    return "same" if same else "changed"


def _example(tally: Tally, kept: Kept, what: str, rule: str, path: str = "") -> None:
    seen = sum(one.what == what and one.rule == rule for one in tally.examples)
    if seen < EXAMPLES:
        tally.examples.append(Example(kept.number, kept.facts.at, what, rule, path))


def rehearse(
    records: Iterable[Kept], now: Loaded, then: Loaded, told: Callable[[int], None]
) -> Iterator[Tally]:
    """Yield what would become of each channel, by name; `told` hears how many records are done."""
    both = Rehearsal(now, then)
    for count, kept in enumerate(records, 1):
        both.take(kept)
        if count % 10_000 == 0:
            told(count)
    yield from (both.tallies[name] for name in sorted(both.tallies))
