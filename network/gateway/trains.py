"""The leg's half of ordered delivery: calls of one line are made one after another, none past a failure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from network.gateway.frames import Frame, Kind
from network.gateway.hl7 import ack

BEHIND = "behind"  # RESULT code: not made, since one before it in its train was not confirmed

Make = Callable[[Frame], Awaitable[Frame]]


@dataclass
class Line:
    """One line of calls; `train` is the number the guard gave, `broken` whether one of it failed."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    train: str = ""
    broken: bool = False
    waiting: int = 0


class Trains:
    """A CALL names its line in `key` and its train in `code`; a call without a line is made at once.

    Several calls of a line may wait here, so that the guard need not be asked between them; what comes
    of each is still the guard's to judge.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._lines: dict[str, Line] = {}

    async def make(self, call: Frame) -> Frame:
        """Make the call when it is its turn; return its RESULT."""
        if not call.key:
            return await self._make(call)
        line = self._lines.setdefault(call.key, Line())
        line.waiting += 1
        try:
            async with line.lock:  # first come, first served
                return await self._in_turn(line, call)
        finally:
            line.waiting -= 1
            if not line.waiting and not line.broken:
                self._lines.pop(call.key, None)

    async def _in_turn(self, line: Line, call: Frame) -> Frame:
        if line.train != call.code:
            line.train, line.broken = call.code, False
        if line.broken:
            return Frame(Kind.RESULT, call.ident, code=BEHIND)
        line.broken = True  # until it is known to have worked, whatever happens
        result = await self._make(call)
        line.broken = not confirmed(call, result)
        return result


def confirmed(call: Frame, result: Frame) -> bool:
    """Whether the receiver took the message, as far as its wire can tell."""
    if result.code or not 200 <= result.status < 300:
        return False
    if call.method != "MLLP":
        return True
    got = ack.read(result.body)
    return got is not None and got.code in ("AA", "CA") and ack.confirms(call.body, got)
