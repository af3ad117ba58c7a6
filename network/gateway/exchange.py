"""The guard's mind: takes frames from both legs, decides, journals, and says what to send.

It does no I/O but appending to the journal. Nothing in `outgoing` may leave before `commit`, so an
acknowledgement can never be ahead of the disk.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from appliance.chance import new_id
from appliance.clock import monotonic
from network.gateway.backlog import Backlog, Item
from network.gateway.doors import Doors, Passed
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import minimise
from network.gateway.journal import Journal
from network.gateway.policy import Channel, Loaded
from network.gateway.records import Facts, sm3
from network.gateway.refusals import (
    BodyRefused,
    FarSideFailed,
    FarSideLate,
    GatewayRefusal,
    KeyReused,
    NoPolicy,
    QueueFull,
    body,
)

JSON = "application/fhir+json"
BACKOFF = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)  # seconds before the second, third … delivery
SLACK = 1.0  # seconds the guard waits longer than it told the leg to
OTHER = {"extranet": "intranet", "intranet": "extranet"}


@dataclass(frozen=True)
class Open:
    """A call that a leg is making now; `asker` is the waiting request, or None for a delivery."""

    channel: Channel
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
        for channel in self._doors.channels:
            queue = self._backlog.queues.get(channel.id)
            if queue and channel.id not in self._busy and queue[0].due <= now:
                self._deliver(channel, queue[0])

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
            passed = self._doors.judge(side, frame)
            if passed.channel.lane == "store":
                self._accept(side, frame, passed)
            else:
                self._forward(side, frame, passed)
        except GatewayRefusal as refusal:
            self._refuse(side, frame, refusal)

    def _accept(self, side: str, frame: Frame, passed: Passed) -> None:
        channel, digest = passed.channel, sm3(passed.body).hex()
        known = self._backlog.known(channel.id, frame.peer, frame.key) if frame.key else None
        if known is not None and known.digest != digest:
            raise KeyReused
        if known is None and self._backlog.size(channel.id) >= channel.queue_limit:
            raise QueueFull(channel=channel.id)
        delivery = known.delivery if known else new_id()
        if known is None:
            facts = Facts(
                event="accepted", channel=channel.id, delivery=delivery, key=frame.key, status=202,
                dropped=passed.dropped, note=digest,
            )  # fmt: skip
            self._log(_heard(side, frame, facts), passed.body)
        said = orjson.dumps({"delivery": delivery, "state": "accepted"})
        self._answer(side, frame, 202, said)

    def _forward(self, side: str, frame: Frame, passed: Passed) -> None:
        delivery = new_id()
        facts = Facts(
            event="request", channel=passed.channel.id, delivery=delivery, dropped=passed.dropped
        )
        self._log(_heard(side, frame, facts), passed.body)
        self._call(passed, delivery, asker=frame, item=None)

    def _deliver(self, channel: Channel, item: Item) -> None:
        try:
            passed = Passed(channel, channel.path, self._allowed_now(channel, item), 0)
        except BodyRefused as refusal:
            facts = Facts(
                event="dead", channel=channel.id, delivery=item.facts.delivery, rule=refusal.code,
                attempts=item.attempts, side=OTHER[channel.source], note=refusal.message.en[:300],
            )  # fmt: skip
            self._log(facts)
            self._journal.commit()
            return
        self._busy.add(channel.id)
        self._call(passed, item.facts.delivery, asker=None, item=item)

    def _allowed_now(self, channel: Channel, item: Item) -> bytes:
        """Return the body; what another policy let in is held against the one in force."""
        told = item.place.read()
        if self._loaded is None or item.facts.policy == self._digest:
            return told
        if channel.lane != "store":
            raise BodyRefused(path="$", why="the channel stores no messages any more")
        shape = self._loaded.shapes[channel.id][0]
        return minimise(told, shape, limit=channel.body_limit).body

    def _call(
        self, passed: Passed, delivery: str, *, asker: Frame | None, item: Item | None
    ) -> None:
        channel = passed.channel
        self._calls += 1
        until = self._clock() + channel.time_limit + SLACK
        self._open[self._calls] = Open(channel, until, delivery, asker, item)
        call = Frame(
            Kind.CALL, self._calls, channel.method, passed.target, channel.address, delivery,
            content_type=JSON if passed.body else "", limit=int(channel.time_limit * 1000),
            body=passed.body,
        )  # fmt: skip
        self._out.append((OTHER[channel.source], call))

    # Results

    def _resulted(self, side: str, frame: Frame) -> None:
        call = self._open.get(frame.ident)
        if call is None or OTHER[call.channel.source] != side:
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
                self._refuse(call.channel.source, call.asker, refusal, call)

    def _returned(self, call: Open, asker: Frame, frame: Frame) -> None:
        if frame.code == "late":
            raise FarSideLate
        if frame.code or frame.status != 200:
            raise FarSideFailed(why=frame.code or f"HTTP {frame.status}")
        if self._loaded is None:
            raise NoPolicy
        shape = self._loaded.shapes[call.channel.id][1]
        kept = minimise(frame.body, shape, limit=call.channel.body_limit)
        facts = Facts(
            event="answer", channel=call.channel.id, delivery=call.delivery, status=200,
            dropped=kept.dropped, side=OTHER[call.channel.source], peer=call.channel.address,
        )  # fmt: skip
        self._log(facts, kept.body)
        self._answer(call.channel.source, asker, 200, kept.body)

    def _delivered(self, call: Open, item: Item, frame: Frame) -> None:
        channel = call.channel
        self._busy.discard(channel.id)
        facts = Facts(
            event="delivered", channel=channel.id, delivery=call.delivery, status=frame.status,
            attempts=item.attempts + 1, side=OTHER[channel.source], peer=channel.address,
        )  # fmt: skip
        if frame.code or not 200 <= frame.status < 300:
            last = item.attempts + 1 >= channel.attempts
            why = frame.code or f"HTTP {frame.status}"
            facts = replace(facts, event="dead" if last else "attempt", note=why)
            item.due = self._clock() + BACKOFF[min(item.attempts, len(BACKOFF) - 1)]
        self._log(facts)

    # Saying

    def _refuse(
        self, side: str, frame: Frame, refusal: GatewayRefusal, call: Open | None = None
    ) -> None:
        facts = Facts(
            event="refused", rule=refusal.code, status=refusal.status, note=refusal.message.en[:300],
            channel=call.channel.id if call else self._doors.name(side, frame),
            delivery=call.delivery if call else "",
        )  # fmt: skip
        self._log(_heard(side, frame, facts))
        self._answer(side, frame, refusal.status, orjson.dumps(body(refusal)), "application/json")

    def _answer(
        self, side: str, frame: Frame, status: int, said: bytes, content_type: str = JSON
    ) -> None:
        answer = Frame(
            Kind.ANSWER, frame.ident, status=status, content_type=content_type, body=said
        )
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
