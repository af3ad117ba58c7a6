"""The outgoing side of a leg for HL7 v2: one message at a time on a connection, and its own answer."""

import asyncio
import re

from network.gateway import connect
from network.gateway.frames import Frame, Kind
from network.gateway.hl7 import ack
from network.gateway.line import Line, why
from network.gateway.mllp_door import END, START, framed

_KEPT = 4  # idle connections kept per receiver
_ACK_LIMIT = 65_536  # bytes of one acknowledgement
_FILLER = re.compile(rb"[\0\r\n\t ]*")


class MllpLine(Line[bytes]):
    """One connection to a receiver. What it says without being asked ends the connection."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        """Collect one acknowledgement; where TCP cuts it means nothing."""
        if self._answer is None or self._answer.done():
            # A late or a second answer: it must not be taken for that of the next message.
            if data.strip(b"\0\r\n\t "):
                self.close()
            return
        self._buffer += data
        filler = _FILLER.match(self._buffer)
        start = filler.end() if filler else 0
        if start < len(self._buffer) and self._buffer[start] != START[0]:
            self._fail("not MLLP")
            return
        end = self._buffer.find(END, start)
        if end < 0:
            if len(self._buffer) > _ACK_LIMIT:
                self._fail("answer too large")
            return
        if self._buffer[end + 1 :].strip(b"\0\r\n\t "):
            self.usable = False
        self._answer.set_result(bytes(self._buffer[start + 1 : end]))

    async def ask(self, message: bytes) -> bytes:
        """Send one message, return what came back for it; raises `ConnectionError`."""
        transport, answer = self._begin()
        self._buffer.clear()
        transport.write(framed(message))
        return await answer


class MllpCaller:
    """Makes the deliveries that the guard orders; never sends one twice by itself."""

    def __init__(self, outward: connect.Outward | None = None) -> None:
        self._outward = outward
        self._idle: dict[tuple[str, str], list[MllpLine]] = {}

    async def make(self, call: Frame) -> Frame:
        """Deliver one message within its limit; the result's body is the receiver's own answer."""
        idle = self._idle.setdefault((call.peer, call.secure), [])
        line: MllpLine | None = None
        kept = False
        try:
            async with asyncio.timeout(call.limit / 1000):
                line = self._rested(idle) or await self._opened(call)
                got = await line.ask(call.body)
            kept = line.usable and ack.confirms(call.body, ack.read(got)) and len(idle) < _KEPT
        except TimeoutError:
            return Frame(Kind.RESULT, call.ident, code="late")
        except OSError as error:
            return Frame(Kind.RESULT, call.ident, code=why(error))
        finally:
            # Whatever else may still come on this connection belongs to no later message.
            if line is not None and kept:
                idle.append(line)
            elif line is not None:
                line.close()
        return Frame(Kind.RESULT, call.ident, status=200, body=got)

    def close(self) -> None:
        """End every idle connection."""
        for line in (line for idle in self._idle.values() for line in idle):
            line.close()
        self._idle.clear()

    def _rested(self, idle: list[MllpLine]) -> MllpLine | None:
        while idle:
            line = idle.pop()
            if line.usable:
                return line
        return None

    async def _opened(self, call: Frame) -> MllpLine:
        return await connect.connect(MllpLine, call.peer, call.secure, self._outward)
