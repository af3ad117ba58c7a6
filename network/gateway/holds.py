"""Messages that must not pass yet: their attachments are with the scanner, or an earlier one's are."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from network.gateway.calls import Call
from network.gateway.deadlines import Deadlines
from network.gateway.frames import BODY_LIMIT, Frame
from network.gateway.protocols import Crossing, Plan
from network.gateway.refusals import (
    BodyRefused,
    BodyTooLarge,
    Busy,
    GatewayRefusal,
    ScannerAway,
)

LIMIT = 32 << 20  # bytes of messages held in memory
PATIENCE = 60.0  # seconds in which the scanner must have answered
ATTACHMENTS = 256  # of one message: each one is a scan of its own


@dataclass(slots=True)
class Held:
    """One message on its way through the guard; `began` is when it came, a monotonic time.

    `call` is set when it is an answer on its way back, `file` names its content in the spool.
    """

    side: str
    ask: Frame
    plan: Plan
    passed: Crossing
    began: float
    call: Call | None = None
    file: str = ""
    refusal: GatewayRefusal | None = None
    waits: set[int] = field(default_factory=set)

    @property
    def line(self) -> str:
        """The channel in whose order it stands; empty when it may overtake others."""
        return self.plan.channel.id if self.plan.channel.lane == "store" else ""

    @property
    def size(self) -> int:
        """Bytes it takes in memory, about."""
        return len(self.passed.body) + sum(map(len, self.passed.attachments))


def check_size(passed: Crossing) -> None:
    """Raise a `GatewayRefusal` when a message made anew fits no frame, or asks for too many scans.

    What is made harmless grows: every `<` and every lone escape of HL7 takes three bytes.
    """
    if len(passed.body) > BODY_LIMIT:
        raise BodyTooLarge(limit=BODY_LIMIT)
    if len(passed.attachments) > ATTACHMENTS:
        raise BodyRefused(path="$", why=f"over {ATTACHMENTS} attachments")


class Holds:
    """Order per channel is kept: what comes behind a held message waits behind it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines: dict[str, deque[Held]] = {}
        self._waiting: dict[int, Held] = {}
        self._limits = Deadlines()
        self._count = 0
        self._size = 0

    def behind(self, held: Held) -> bool:
        """Whether an earlier message of its channel is held."""
        return bool(self._lines.get(held.line)) if held.line else False

    def put(self, held: Held) -> None:
        """Hold a message in its line; raises `Busy` when too much is held."""
        if self._size + held.size > LIMIT:
            raise Busy
        self._size += held.size
        if held.line:
            self._lines.setdefault(held.line, deque()).append(held)

    def expect(self, held: Held, patience: float = PATIENCE) -> int:
        """Return a number under which something about `held` will be told."""
        self._count += 1
        self._waiting[self._count] = held
        held.waits.add(self._count)
        self._limits.add(self._clock() + patience, self._count)
        return self._count

    def told(self, ident: int, refusal: GatewayRefusal | None) -> list[Held]:
        """Take what was told under a number; return what is now free, in order."""
        held = self._waiting.pop(ident, None)
        if held is None:
            return []
        self._limits.done(ident)
        held.waits.discard(ident)
        if refusal is not None:
            held.refusal = refusal
            for other in held.waits:
                self._limits.done(other)
                self._waiting.pop(other, None)
            held.waits.clear()
        return self._freed(held)

    def late(self) -> list[Held]:
        """Refuse what the scanner did not answer in time; return what is now free, in order."""
        freed = []
        for ident in self._limits.over(self._clock()):
            freed += self.told(ident, ScannerAway())
        return freed

    def next(self) -> float | None:
        """When the next one is over its time."""
        return self._limits.next()

    def _freed(self, held: Held) -> list[Held]:
        if held.waits:
            return []
        if not held.line:
            self._size -= held.size
            return [held]
        line, freed = self._lines[held.line], []
        while line and not line[0].waits:
            freed.append(line.popleft())
            self._size -= freed[-1].size
        if not line:
            del self._lines[held.line]
        return freed
