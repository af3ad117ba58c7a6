"""The guard's mind: takes frames from both legs, decides, journals, and says what to send.

It does no I/O but appending to the journal. Nothing in `outgoing` may leave before `commit`, so an
acknowledgement can never be ahead of the disk.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.chance import new_id
from appliance.clock import monotonic
from network.gateway.backlog import Backlog, Item
from network.gateway.channel import Channel
from network.gateway.doors import Doors, wire
from network.gateway.frames import Frame, Kind
from network.gateway.journal import Journal
from network.gateway.policy import Loaded
from network.gateway.protocols import PROTOCOLS, Crossing, Plan, Reply
from network.gateway.records import Facts, sm3
from network.gateway.refusals import (
    BodyRefused,
    FarSideFailed,
    FarSideLate,
    GatewayRefusal,
    KeyReused,
    QueueFull,
)

JSON = "application/fhir+json"
BACKOFF = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)  # seconds before the second, third … delivery
SLACK = 1.0  # seconds the guard waits longer than it told the leg to
_BY_WIRE = {content.wire: content for content in PROTOCOLS.values()}
OTHER = {"extranet": "intranet", "intranet": "extranet"}


@dataclass(frozen=True)
class Open:
    """A call that a leg is making now; `asker` is the waiting request, or None for a delivery."""

    plan: Plan
    passed: Crossing
    until: float
    delivery: str
    asker: Frame | None
    item: Item | None


class Exchange:
    """Policy, journal and open calls of one guard."""

    def __init__(
        self, loaded: Loaded | None, journal: Journal, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._doors = Doors(loaded, clock)
        self._loaded = loaded
        self._digest = loaded.digest if loaded else ""
        self._journal = journal
        self._clock = clock
        self._backlog = Backlog()
        for written in journal.recover():
            self._backlog.replay(written)
        self._open: dict[int, Open] = {}
        self._calls = 0
        self._busy: set[str] = set()
        self._out: list[tuple[str, Frame]] = []
        self._log(Facts(event="started", note="" if loaded else "deny all: no valid policy"))

    # What comes in

    def take(self, side: str, frame: Frame) -> None:
        """Take one frame from the leg of zone `side`; any kind a leg may not send is ignored."""
        if frame.kind is Kind.ASK:
            self._asked(side, frame)
        elif frame.kind is Kind.RESULT:
            self._resulted(side, frame)
        elif frame.kind is Kind.NOTE:
            self._log(
                _heard(side, frame, Facts(event="refused", rule=frame.code, status=frame.status))
            )

    def tick(self) -> None:
        """End the calls that are over their limit."""
        now = self._clock()
        for ident in [i for i, call in self._open.items() if call.until <= now]:
            call = self._open.pop(ident)
            self._ended(call, Frame(Kind.RESULT, ident, code="late"))

    def _start_due(self) -> None:
        now = self._clock()
        for name, plan in self._doors.plans.items():
            queue = self._backlog.queues.get(name)
            if queue and name not in self._busy and queue[0].due <= now:
                self._deliver(plan, queue[0])

    def wait(self) -> float:
        """Seconds until `tick` has something to do; -1 when only a frame can change anything."""
        times = [call.until for call in self._open.values()]
        times += [
            queue[0].due
            for name, queue in self._backlog.queues.items()
            if queue and name not in self._busy and self._doors.knows(name)
        ]
        return max(0.0, min(times) - self._clock()) if times else -1.0

    # What goes out

    def commit(self) -> list[tuple[str, Frame]]:
        """Make all decisions durable, then return the frames to send, each with its leg's zone.

        A delivery starts only here: its body is read back from the file.
        """
        self._journal.commit()
        self._start_due()
        ready, self._out = self._out, []
        return ready

    # Asking

    def _asked(self, side: str, frame: Frame) -> None:
        try:
            plan, passed = self._doors.judge(side, frame)
            if plan.channel.lane == "store":
                self._accept(side, frame, plan, passed)
            else:
                self._forward(side, frame, plan, passed)
        except GatewayRefusal as refusal:
            self._refuse(side, frame, refusal)

    def _accept(self, side: str, frame: Frame, plan: Plan, passed: Crossing) -> None:
        channel, digest = plan.channel, sm3(passed.body).hex()
        known = self._backlog.known(channel.id, frame.peer, passed.key) if passed.key else None
        if known is not None and known.digest != digest:
            raise KeyReused
        if known is None and self._backlog.size(channel.id) >= channel.queue_limit:
            raise QueueFull(channel=channel.id)
        delivery = known.delivery if known else new_id()
        if known is None:
            facts = Facts(
                event="accepted", delivery=delivery, key=passed.key, status=202, note=digest
            )
            self._log(_heard(side, frame, _said(facts, channel, passed)), passed.body)
        self._answer(side, frame, plan.accepted(frame, delivery))

    def _forward(self, side: str, frame: Frame, plan: Plan, passed: Crossing) -> None:
        facts = Facts(event="request", delivery=new_id())
        self._log(_heard(side, frame, _said(facts, plan.channel, passed)), passed.body)
        self._call(plan, passed, facts.delivery, asker=frame, item=None)

    def _deliver(self, plan: Plan, item: Item) -> None:
        channel = plan.channel
        try:
            passed = Crossing(self._allowed_now(plan, item), target=channel.path, content_type=JSON)
        except BodyRefused as refusal:
            facts = Facts(
                event="dead", channel=channel.id, delivery=item.facts.delivery, rule=refusal.code,
                attempts=item.attempts, side=OTHER[channel.source], note=refusal.message.en[:300],
            )  # fmt: skip
            self._log(facts)
            self._journal.commit()
            return
        self._busy.add(channel.id)
        self._call(plan, passed, item.facts.delivery, asker=None, item=item)

    def _allowed_now(self, plan: Plan, item: Item) -> bytes:
        """Return the body; what another policy let in is held against the one in force."""
        told = item.place.read()
        if item.facts.policy == self._digest:
            return told
        if plan.channel.lane != "store":
            raise BodyRefused(path="$", why="the channel stores no messages any more")
        return plan.again(told)

    def _call(
        self, plan: Plan, passed: Crossing, delivery: str, *, asker: Frame | None, item: Item | None
    ) -> None:
        channel = plan.channel
        self._calls += 1
        until = self._clock() + channel.time_limit + SLACK
        self._open[self._calls] = Open(plan, passed, until, delivery, asker, item)
        call = Frame(
            Kind.CALL, self._calls, passed.method, passed.target, channel.address, delivery,
            content_type=passed.content_type, limit=int(channel.time_limit * 1000),
            body=passed.body,
        )  # fmt: skip
        self._out.append((OTHER[channel.source], call))

    # Results

    def _resulted(self, side: str, frame: Frame) -> None:
        call = self._open.get(frame.ident)
        if call is None or OTHER[call.plan.channel.source] != side:
            return  # too late, or not that leg's to answer
        del self._open[frame.ident]
        self._ended(call, frame)

    def _ended(self, call: Open, frame: Frame) -> None:
        if call.item is not None:
            self._delivered(call, call.item, frame)
        elif call.asker is not None:
            try:
                self._returned(call, call.asker, frame)
            except GatewayRefusal as refusal:
                self._refuse(call.plan.channel.source, call.asker, refusal, call)

    def _returned(self, call: Open, asker: Frame, frame: Frame) -> None:
        channel = call.plan.channel
        if frame.code == "late":
            raise FarSideLate
        if frame.code:
            raise FarSideFailed(why=frame.code)
        passed = call.plan.answer(call.passed, frame)
        facts = Facts(
            event="answer", delivery=call.delivery, status=200, side=OTHER[channel.source],
            peer=channel.address,
        )  # fmt: skip
        self._log(_said(facts, channel, passed), passed.body)
        self._answer(channel.source, asker, Reply(200, passed.content_type, passed.body))

    def _delivered(self, call: Open, item: Item, frame: Frame) -> None:
        channel = call.plan.channel
        self._busy.discard(channel.id)
        facts = Facts(
            event="delivered", channel=channel.id, delivery=call.delivery, status=frame.status,
            attempts=item.attempts + 1, side=OTHER[channel.source], peer=channel.address,
        )  # fmt: skip
        came = call.plan.outcome(call.passed.body, frame)
        if came.end != "delivered":
            last = came.end == "dead" or item.attempts + 1 >= channel.attempts
            facts = replace(facts, event="dead" if last else "attempt", note=came.why)
            item.due = self._clock() + BACKOFF[min(item.attempts, len(BACKOFF) - 1)]
        self._log(facts)

    # Saying

    def _refuse(
        self, side: str, frame: Frame, refusal: GatewayRefusal, call: Open | None = None
    ) -> None:
        facts = Facts(
            event="refused", rule=refusal.code, status=refusal.status, note=refusal.message.en[:300],
            channel=call.plan.channel.id if call else self._doors.name(side, frame),
            delivery=call.delivery if call else "",
        )  # fmt: skip
        self._log(_heard(side, frame, facts))
        said = _BY_WIRE[wire(frame)].refused(frame, refusal)
        self._answer(side, frame, said)

    def _answer(self, side: str, frame: Frame, said: Reply) -> None:
        answer = Frame(
            Kind.ANSWER, frame.ident, status=said.status, content_type=said.content_type,
            body=said.body,
        )  # fmt: skip
        self._out.append((side, answer))

    def _log(self, facts: Facts, told: bytes = b"") -> None:
        written = self._journal.append(replace(facts, policy=self._digest), told)
        self._backlog.replay(written)


def _heard(side: str, frame: Frame, facts: Facts) -> Facts:
    """Add who asked what; the query is left out, its values may name a patient."""
    return replace(
        facts,
        side=side,
        peer=frame.peer,
        method=frame.method,
        target=frame.target.split("?")[0][:200],
    )


def _said(facts: Facts, channel: Channel, passed: Crossing) -> Facts:
    """Add what was let across, and for whom."""
    return replace(
        facts,
        channel=channel.id,
        kind=passed.kind[:120],
        data_class=channel.data_class,
        address=channel.address,
        dropped=passed.dropped,
        masked=passed.masked,
        inert=passed.inert,
        found=passed.found,
    )
