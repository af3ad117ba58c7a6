"""The guard's mind: takes frames from both legs, decides, journals, and says what to send.

It does no I/O but appending to the journal, and copying files. Nothing may leave before `commit`, so
an acknowledgement can never be ahead of the disk.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from appliance import clock as box_clock
from appliance.chance import new_id
from network.gateway.calls import Call, Calls
from network.gateway.delivery import Deliveries
from network.gateway.doors import Doors, wire
from network.gateway.faults import contained
from network.gateway.frames import Frame, Kind
from network.gateway.holds import PATIENCE, Held, Holds, check_size
from network.gateway.intake import Intake
from network.gateway.journal import Journal
from network.gateway.ledger import Ledger
from network.gateway.obedience import Obedience
from network.gateway.orders import Inbox
from network.gateway.policy import Loaded
from network.gateway.protocols import PROTOCOLS, Reply
from network.gateway.protocols.files import FilesPlan
from network.gateway.records import Facts
from network.gateway.refusals import (
    ChannelPaused,
    DeadLettersFull,
    FarSideFailed,
    FarSideLate,
    GatewayRefusal,
    JournalFull,
    KeyReused,
    Malware,
    PersonalNumber,
    QueueFull,
    ScannerAway,
)
from network.gateway.spool import Spool
from network.gateway.statements import OTHER, of_answer, of_message, of_refusal
from network.gateway.tallies import Tallies
from network.zones import PLAN

SCANNER = "scan"
_BY_WIRE = {content.wire: content for content in PROTOCOLS.values()}


@dataclass(frozen=True)
class Surroundings:
    """What the guard was given beside policy and journal; without a scanner no attachment passes."""

    inbox: Inbox | None = None
    spool: Spool | None = None
    scanner: bool = False
    port: int = PLAN.port
    clock: Callable[[], float] = box_clock.monotonic
    local: Callable[[], datetime] = box_clock.local


class Exchange:
    """Policy, journal and open calls of one guard."""

    def __init__(
        self, loaded: Loaded | None, journal: Journal, around: Surroundings | None = None
    ) -> None:
        self._around = around or Surroundings()
        clock = self._clock = self._around.clock
        self._ledger = Ledger(loaded, journal, self._around.local)
        note = "" if loaded else "deny all: no valid policy"
        version, newest = loaded.policy.version if loaded else 0, self._ledger.backlog.version
        if loaded and version < newest:
            # Its signature holds, but it was withdrawn: whoever put it back did not ask two persons.
            note = f"deny all: policy version {version} is older than {newest}"
            loaded, version, self._ledger.digest = None, 0, ""
        self._doors = Doors(loaded, clock, local=self._around.local, port=self._around.port)
        self._calls = Calls(clock)
        self._deliveries = Deliveries(
            self._ledger, self._calls, self._doors.plans, clock, self._around.local
        )
        self._holds = Holds(clock)
        self._intake = Intake(self._around.spool, self._ledger, self._holds, self._scan)
        self._tallies = Tallies(clock)
        self._obedience = Obedience(
            self._ledger, self._deliveries, self._intake, self._doors.plans, self._around.local
        )
        self._ledger.owe(
            Facts(event="started", policy=self._ledger.digest, note=note, order=version)
        )

    # What comes in

    def take(self, side: str, frame: Frame) -> None:
        """Take one frame from the leg of zone `side`; any kind it may not send is ignored."""
        if side == SCANNER:
            if frame.kind is Kind.VERDICT:
                self._release(self._holds.told(frame.ident, _judged(frame)))
        elif frame.kind is Kind.ASK:
            self._asked(side, frame)
        elif frame.kind is Kind.RESULT:
            call = self._calls.take(side, frame)
            if call is not None:
                self._ended(call, frame)
        elif frame.kind is Kind.NOTE:
            self._noted(side, frame)

    def tick(self) -> None:
        """Do what is due by time: late calls and scans, a chunk of a file, orders, counted refusals."""
        for call in self._calls.late():
            self._ended(call, Frame(Kind.RESULT, 0, code="late"))
        self._release(self._holds.late())
        self._release(self._intake.step())
        for facts in self._tallies.due():
            self._ledger.log_if_room(replace(facts, policy=self._ledger.digest))
        inbox = self._around.inbox
        if inbox is not None and not self._obedience.obey(inbox.look()):
            inbox.again()

    def wait(self) -> float:
        """Seconds until `tick` has something to do; -1 when only a frame can change anything."""
        if self._intake.busy:
            return 0.0
        times = [
            self._calls.next(), self._holds.next(), self._deliveries.next(), self._tallies.next(),
            self._around.inbox.due() if self._around.inbox else None,
        ]  # fmt: skip
        first = min((at for at in times if at is not None), default=None)
        return -1.0 if first is None else max(0.0, first - self._clock())

    # What goes out

    def commit(self) -> list[tuple[str, Frame]]:
        """Make all decisions durable, then return the frames to send, each with its leg's zone.

        A delivery starts only here: its body is read back from the file.
        """
        ready = self._ledger.commit()
        self._deliveries.start()
        return ready + self._ledger.commit()

    # Asking

    def _asked(self, side: str, ask: Frame) -> None:
        channel = ""
        try:
            plan = self._doors.find(side, ask)
            channel = plan.channel.id
            self._doors.admit(plan)
            if plan.channel.lane == "request" and channel in self._ledger.backlog.paused:
                raise ChannelPaused(channel=channel)
            passed = contained(plan.ask, ask)
            self._pass(Held(side, ask, plan, passed, self._clock()))
        except GatewayRefusal as refusal:
            self._refuse(side, ask, refusal, channel)

    def _pass(self, held: Held) -> None:
        """Let a message or an answer on, or hold it; raises a `GatewayRefusal`."""
        check_size(held.passed)
        if held.passed.found and held.plan.channel.leak == "refuse":
            raise PersonalNumber(found=held.passed.found)
        if isinstance(held.plan, FilesPlan):
            self._intake.begin(held)
        elif held.passed.attachments:
            self._holds.put(held)
            self._release(self._scan(held))
        elif self._holds.behind(held):
            self._holds.put(held)
        else:
            self._on(held)

    def _scan(self, held: Held) -> list[Held]:
        """Give what came with a message to the scanner; return what is free without it."""
        parts = held.passed.attachments or (b"",)
        idents = [self._holds.expect(held) for _ in parts]
        if not self._around.scanner:
            return self._holds.told(idents[0], ScannerAway())
        limit = int(PATIENCE * 1000)
        target = f"/{held.file}" if held.file else ""
        for ident, part in zip(idents, parts, strict=True):
            frame = Frame(Kind.SCAN, ident, target=target, limit=limit, body=part)
            self._ledger.send(SCANNER, frame)
        return []

    def _release(self, freed: list[Held]) -> None:
        for held in freed:
            try:
                if held.refusal is not None:
                    raise held.refusal
                self._on(held)
            except GatewayRefusal as refusal:
                self._intake.discard(held)
                delivery = held.call.delivery if held.call else ""
                self._refuse(held.side, held.ask, refusal, held.plan.channel.id, delivery)

    def _on(self, held: Held) -> None:
        if held.call is not None:
            self._returned(held, held.call)
        elif held.plan.channel.lane == "store":
            self._accept(held)
        else:
            self._forward(held)

    def _accept(self, held: Held) -> None:
        channel, passed, backlog = held.plan.channel, held.passed, self._ledger.backlog
        digest = self._ledger.mark(passed.body) if passed.key and not held.file else ""
        key = self._ledger.mark(passed.key.encode()) if passed.key else ""
        known = backlog.known(channel.id, held.ask.peer, key) if key else None
        if known is not None:
            # Under another policy the same message may cross as another body.
            if known.digest != digest and known.policy == self._ledger.digest:
                raise KeyReused
            self._intake.discard(held)
            self._answer(held.side, held.ask, held.plan.accepted(held.ask, known.delivery))
            return
        self._ledger.daily.check(channel)
        if backlog.size(channel.id) >= channel.queue_limit:
            raise QueueFull(channel=channel.id)
        if backlog.dead_of(channel.id) >= channel.queue_limit:
            raise DeadLettersFull(channel=channel.id, limit=channel.queue_limit)
        delivery = new_id()
        facts = of_message("accepted", self._ledger.digest, held, delivery, key, digest)
        self._intake.publish(held)
        self._ledger.log(facts, passed.body)
        self._answer(held.side, held.ask, held.plan.accepted(held.ask, delivery))

    def _forward(self, held: Held) -> None:
        if self._ledger.full:  # one without a body would still fit, and its answer would not
            raise JournalFull(why="no room on its disk")
        self._ledger.daily.check(held.plan.channel)
        delivery = new_id()
        facts = of_message("request", self._ledger.digest, held, delivery)
        self._ledger.log(facts, held.passed.body)
        call = Call(held.plan, held.passed, delivery, held.began, asker=held.ask)
        self._ledger.send(call.far, self._calls.make(call))

    # Results

    def _ended(self, call: Call, result: Frame) -> None:
        channel = call.plan.channel
        if call.item is not None:
            if self._deliveries.ended(call, call.item, result) and isinstance(call.plan, FilesPlan):
                self._intake.settled(call.item, call.far)
        elif call.asker is not None:
            try:
                self._answered(call, call.asker, result)
            except GatewayRefusal as refusal:
                self._refuse(channel.source, call.asker, refusal, channel.id, call.delivery)

    def _answered(self, call: Call, asker: Frame, result: Frame) -> None:
        if result.code == "late":
            raise FarSideLate
        if result.code:
            raise FarSideFailed(why=result.code)
        passed = contained(call.plan.answer, call.passed, result)
        self._pass(Held(call.plan.channel.source, asker, call.plan, passed, call.began, call))

    def _returned(self, held: Held, call: Call) -> None:
        passed = held.passed
        latency = round((self._clock() - call.began) * 1000)
        facts = of_answer(self._ledger.digest, held.plan.channel, passed, call.delivery, latency)
        self._ledger.log(facts, passed.body)
        said = Reply(passed.status, passed.content_type, passed.body)
        self._answer(held.side, held.ask, said, location=passed.target, etag=passed.key)

    # Saying

    def _noted(self, side: str, note: Frame) -> None:
        if self._tallies.heard(side, note.peer, note.code):
            facts = Facts(
                event="refused", policy=self._ledger.digest, side=side, peer=note.peer,
                rule=note.code, status=note.status,
            )  # fmt: skip
            self._ledger.log_if_room(facts)

    def _refuse(
        self, side: str, ask: Frame, refusal: GatewayRefusal, channel: str, delivery: str = ""
    ) -> None:
        # A request that was journaled gets its end journaled too, however many there are.
        if self._tallies.heard(side, ask.peer, refusal.code) or delivery:
            facts = of_refusal(self._ledger.digest, side, ask, refusal, channel, delivery)
            self._ledger.log_if_room(facts)
        content = _BY_WIRE[wire(ask)]
        if channel:
            content = PROTOCOLS[self._doors.plans[channel].channel.protocol]
        self._answer(side, ask, content.refused(ask, refusal))

    def _answer(
        self, side: str, ask: Frame, said: Reply, *, location: str = "", etag: str = ""
    ) -> None:
        answer = Frame(
            Kind.ANSWER, ask.ident, status=said.status, content_type=said.content_type,
            target=location, key=etag, body=said.body,
        )  # fmt: skip
        self._ledger.send(side, answer)


def _judged(verdict: Frame) -> GatewayRefusal | None:
    if verdict.status == 200 and not verdict.code:
        return None
    if verdict.status == 422:
        return Malware(name=verdict.code)
    return ScannerAway()


__all__ = ["OTHER", "Exchange", "Surroundings"]
