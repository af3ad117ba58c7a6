"""Delivering what was stored: in order per channel, only to where it was accepted for, until it is final."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from appliance import clock as box_clock
from network.gateway.backlog import Item
from network.gateway.calls import Call, Calls
from network.gateway.faults import contained
from network.gateway.frames import Frame
from network.gateway.holds import check_size
from network.gateway.ledger import Ledger
from network.gateway.protocols import Crossing, Outcome, Plan
from network.gateway.records import Event, Facts
from network.gateway.refusals import BodyRefused, DestinationChanged, GatewayRefusal
from network.gateway.statements import OTHER
from network.gateway.trains import BEHIND

BACKOFF = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)  # seconds before the second, third … delivery
WINDOW = 16  # messages of one channel on their way at once
FLYING = 16 << 20  # bytes on their way at once; beyond it each channel still has its first message
_FULL_WAIT = 1.0  # seconds until a delivery is tried again when the journal is full


@dataclass(slots=True)
class Train:
    """What of a channel is on its way, in order; `broken` when one of it came to nothing.

    The leg makes the calls of a train one after another and none behind one that failed (see
    `trains`), so that order is kept without asking the guard between two.
    """

    number: int = 1
    flying: list[Item] = field(default_factory=list)
    broken: bool = False

    def renewed(self) -> bool:
        """Begin anew when nothing is on its way; return whether more may be sent."""
        if self.broken and not self.flying:
            self.number, self.broken = self.number + 1, False
        return not self.broken


class Deliveries:
    """A few messages of a channel are on their way at a time, in order; channels know nothing of each other."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        plans: dict[str, Plan],
        clock: Callable[[], float],
        instant: Callable[[], datetime] = box_clock.now,
    ) -> None:
        self._ledger, self._calls, self._plans = ledger, calls, plans
        self._clock, self._instant = clock, instant
        self._trains: dict[str, Train] = {}
        self._flying = 0  # bytes on their way

    def busy_with(self, item: Item) -> bool:
        """Whether `item` is on its way now."""
        train = self._trains.get(item.channel)
        return train is not None and any(one is item for one in train.flying)

    def start(self) -> None:
        """Start what is due; only after a commit, since bodies are read back from the file."""
        if self._ledger.full:
            return
        now = self._clock()
        for name, plan in self._open_channels():
            train = self._trains.setdefault(name, Train())
            if train.renewed():
                self._fill(plan, train, self._ledger.backlog.queues[name], now)

    def _open_channels(self) -> Iterator[tuple[str, Plan]]:
        backlog = self._ledger.backlog
        for name, queue in backlog.queues.items():
            plan = self._plans.get(name)
            if queue and plan is not None and name not in backlog.paused:
                yield name, plan

    def _fill(self, plan: Plan, train: Train, queue: deque[Item], now: float) -> None:
        for item in list(islice(queue, len(train.flying), _window(plan))):
            if (
                item.due > now
                or not self._room(train, item)
                or not self._deliver(plan, train, item)
            ):
                return  # nothing may pass it

    def _room(self, train: Train, item: Item) -> bool:
        return not train.flying or self._flying + item.place.size <= FLYING

    def next(self) -> float | None:
        """When the next delivery is due."""
        due = []
        for name, plan in self._open_channels():
            train, queue = self._trains.get(name, Train()), self._ledger.backlog.queues[name]
            flying = len(train.flying)
            more = flying < min(len(queue), _window(plan)) and not (train.broken and flying)
            if more and self._room(train, queue[flying]):
                due.append(queue[flying].due)
        if due and self._ledger.full:
            return max(min(due), self._clock() + _FULL_WAIT)
        return min(due, default=None)

    def _deliver(self, plan: Plan, train: Train, item: Item) -> bool:
        try:
            passed = self._allowed_now(plan, item)
        except GatewayRefusal as refusal:
            return self._give_up(plan, item, refusal)
        number = train.number if _window(plan) > 1 else 0
        call = Call(
            plan, passed, item.delivery, self._clock(), item=item, train=number,
            place=len(train.flying),
        )  # fmt: skip
        train.flying.append(item)
        self._flying += item.place.size
        self._ledger.send(call.far, self._calls.make(call))
        return True

    def _give_up(self, plan: Plan, item: Item, refusal: GatewayRefusal) -> bool:
        facts = self._facts("dead", plan, item, note=refusal.message.en)
        told = self._ledger.log_if_room(replace(facts, rule=refusal.code))
        if not told:
            item.due = self._clock() + _FULL_WAIT
        return told

    def _allowed_now(self, plan: Plan, item: Item) -> Crossing:
        """Return the delivery; what another policy let in is held against the one in force."""
        channel = plan.channel
        if item.address != channel.address:
            raise DestinationChanged(was=item.address, now=channel.address)
        told = item.place.read()
        if item.policy != self._ledger.digest:
            if channel.lane != "store":
                raise BodyRefused(path="$", why="the channel stores no messages any more")
            told = contained(plan.again, told)
        passed = contained(plan.call, told)
        if passed.target != item.target:
            raise DestinationChanged(was=item.target, now=passed.target)
        check_size(passed)
        return passed

    def ended(self, call: Call, item: Item, result: Frame) -> bool:
        """Take what came of a delivery; return whether the message was delivered."""
        train = self._trains[item.channel]
        train.flying.remove(item)
        self._flying -= item.place.size
        if result.code == BEHIND and train.broken:
            return False  # it was not sent, and is no attempt
        tried = item.attempts + 1
        came = _understood(call, result)
        end: Event = "delivered"
        if came.end != "delivered":
            last = came.end == "dead" or tried >= call.plan.channel.attempts
            end = "dead" if last else "attempt"
            train.broken = True
        facts = self._facts(
            end, call.plan, item, attempts=tried, status=result.status, note=came.why
        )
        item.due = self._clock() + BACKOFF[min(item.attempts, len(BACKOFF) - 1)]
        # Without room even for this it is delivered once more; the receiver knows it by its id.
        told = self._ledger.log_if_room(facts)
        train.broken = train.broken or not told
        return told and came.end == "delivered"

    def _facts(
        self, event: Event, plan: Plan, item: Item, *, attempts: int = -1, status: int = 0,
        note: str = "",
    ) -> Facts:  # fmt: skip
        now, channel = self._instant(), plan.channel
        waited = (now - box_clock.read_iso(item.at)).total_seconds()
        return Facts(
            event=event,
            at=box_clock.iso(now),
            policy=self._ledger.digest,
            channel=channel.id,
            side=OTHER[channel.source],
            peer=item.address,
            delivery=item.delivery,
            status=status,
            attempts=item.attempts if attempts < 0 else attempts,
            note=note[:300],
            kind=item.kind,
            data_class=channel.data_class,
            address=item.address,
            latency=max(0, round(waited * 1000)),
        )


def _window(plan: Plan) -> int:
    return 1 if plan.channel.protocol == "files" else WINDOW


def _understood(call: Call, result: Frame) -> Outcome:
    try:
        return contained(call.plan.outcome, call.passed.body, result)
    except GatewayRefusal as refusal:
        return Outcome("again", refusal.message.en)
