"""The calls that the legs are making for the guard now, and when each is over its time."""

from collections.abc import Callable
from dataclasses import dataclass

from network.gateway.backlog import Item
from network.gateway.deadlines import Deadlines
from network.gateway.frames import Frame, Kind
from network.gateway.protocols import Crossing, Plan
from network.gateway.statements import OTHER

SLACK = 1.0  # seconds the guard waits longer than it told the leg to


@dataclass(frozen=True, slots=True)
class Call:
    """One open call; `asker` is the waiting request, or `item` the message being delivered.

    `began` is the monotonic time from which its latency counts. Of a delivery `train` is the number of
    its train and `place` how many of that train are on their way before it; 0 is no train.
    """

    plan: Plan
    passed: Crossing
    delivery: str
    began: float
    asker: Frame | None = None
    item: Item | None = None
    train: int = 0
    place: int = 0

    @property
    def far(self) -> str:
        """The side whose leg makes the call."""
        return OTHER[self.plan.channel.source]


class Calls:
    """Numbers the calls; only the leg that was told to make one may bring its result, once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[int, Call] = {}
        self._limits = Deadlines()
        self._count = 0

    def make(self, call: Call) -> Frame:
        """Open a call and return the frame that orders it."""
        channel, passed = call.plan.channel, call.passed
        self._count += 1
        self._open[self._count] = call
        # The leg makes it when those before it are done, each within the same limit.
        limit = channel.time_limit * (call.place + 1) + SLACK
        self._limits.add(self._clock() + limit, self._count)
        pin = f":{channel.target_cert}" if channel.target_cert else ""
        return Frame(
            Kind.CALL, self._count, passed.method, passed.target, channel.address, call.delivery,
            key=channel.id if call.train else "", code=str(call.train or ""),
            content_type=passed.content_type, secure=channel.target_tls + pin,
            limit=int(channel.time_limit * 1000), body=passed.body,
        )  # fmt: skip

    def take(self, side: str, result: Frame) -> Call | None:
        """Close the call that `result` answers; None when it is late or not that leg's to answer."""
        call = self._open.get(result.ident)
        if call is None or call.far != side:
            return None
        self._limits.done(result.ident)
        return self._open.pop(result.ident)

    def late(self) -> list[Call]:
        """Close the calls that are over their time."""
        return [self._open.pop(ident) for ident in self._limits.over(self._clock())]

    def next(self) -> float | None:
        """When the next call is over its time."""
        return self._limits.next()
