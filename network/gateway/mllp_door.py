"""One MLLP connection of a peer to a leg: frames cut on bytes, limits, acknowledgements in order."""

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field
from typing import cast

from appliance.clock import monotonic
from network.gateway.desk import Asked, Desk, where
from network.gateway.frames import BODY_LIMIT
from network.gateway.hl7 import ack, batch
from network.gateway.refusals import BadMllp, BodyTooLarge, Busy, GatewayRefusal, TooSlow

START, END = b"\x0b", b"\x1c"
CR = b"\r"
PIPELINED = 16  # open frames of one connection; then it is not read any more
FRAME_TIME = 15.0  # seconds in which a frame must have come whole
FIRST_TIME = 60.0  # seconds in which the first frame must begin
IDLE_TIME = 3600.0  # seconds a connection may rest: senders keep theirs open all day
LINGER_TIME = 2.0  # seconds in which the rest after a refused frame is thrown away
_HEAD = 1024  # bytes of a message kept to say no to it
_FILLER = re.compile(rb"[\0\r\n\t ]*")
_AFTER = b"\0\r\n\t \x0b"  # what may follow the end of a frame


@dataclass(slots=True)
class Place:
    """One frame's place in the order of answers; `answers` of its messages, one unless a batch."""

    missing: int
    answers: list[bytes]
    envelope: batch.Batch | None = None
    close: bool = False


@dataclass(slots=True)
class Slot:
    """One message's place within that of its frame."""

    place: Place
    index: int
    head: bytes = field(repr=False)


def framed(message: bytes) -> bytes:
    """Return a message between the marks of MLLP."""
    return START + message + END + CR


class MllpDoor(asyncio.Protocol):
    """Where TCP cuts the stream means nothing; a frame ends with its end mark, with or without CR."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = bytearray()
        self._places: deque[Place] = deque()
        self._inside = False  # between the marks of a frame
        self._seen = 0  # bytes of the buffer in which there is no end mark
        self._broken = False
        self._ended = False  # the peer will send nothing more
        self._choked = False  # the peer does not read what it is told
        self._cutting = False
        self.peer, self.port, self.secure = "", 0, ""
        self.deadline = monotonic() + FIRST_TIME

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or send it away when there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit
        self.peer, self.port, self.secure = where(transport)
        if not self._desk.opened(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Forget the connection; answers that come later are dropped."""
        self._places.clear()
        self._buffer.clear()
        self._broken = True
        self._desk.closed(self)

    def data_received(self, data: bytes) -> None:
        """Cut off the frames that are now whole."""
        if self._broken:
            return
        self._buffer += data
        self._cut()

    def eof_received(self) -> bool:
        """Keep a half-closed connection open as long as answers are owed."""
        self._ended = True
        if self._inside and not self._broken and len(self._places) < PIPELINED:
            self._desk.refused(self, BadMllp(why="the connection ended within a frame"))
        return bool(self._places)

    def pause_writing(self) -> None:
        """The peer does not read: take no more from it."""
        self._choked = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._choked = False
        self._go_on()

    # Frames

    def _cut(self) -> None:
        if self._cutting:
            return  # an answer came at once, while its message was being handed over
        self._cutting = True
        while not self._broken and len(self._places) < PIPELINED:
            message = self._next()
            if message is None:
                break
            self._take(message)
        self._cutting = False
        if len(self._places) >= PIPELINED:
            self._transport.pause_reading()
        if not self._broken and not self._desk.holds(self, len(self._buffer)):
            self._break(Busy())

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if not self._inside and not self._begun():
            return None
        end = buffer.find(END, self._seen)
        if end > BODY_LIMIT or (end < 0 and len(buffer) > BODY_LIMIT):
            self._break(BodyTooLarge(limit=BODY_LIMIT))
            return None
        if end < 0:
            self._seen = len(buffer)
            return None
        if end + 1 < len(buffer) and buffer[end + 1] not in _AFTER:
            self._break(BadMllp(why="something follows the end of a frame"))
            return None
        message = bytes(buffer[:end])
        del buffer[: end + 1]
        self._inside, self._seen = False, 0
        self.deadline = monotonic() + IDLE_TIME
        return message

    def _begun(self) -> bool:
        """Skip what lies between frames; return whether one begins."""
        filler = _FILLER.match(self._buffer)
        del self._buffer[: filler.end() if filler else 0]
        if not self._buffer:
            return False
        if self._buffer[0] != START[0]:
            self._break(BadMllp(why="a frame must begin with 0x0B"))
            return False
        del self._buffer[:1]
        self._inside, self._seen = True, 0
        self.deadline = monotonic() + FRAME_TIME
        return True

    def _take(self, message: bytes) -> None:
        try:
            found = batch.split(message)
        except BadMllp as refusal:
            self._say_no(refusal, message)
            return
        messages = found.messages if found else (message,)
        place = Place(len(messages), [b""] * len(messages), found)
        self._places.append(place)
        for index, one in enumerate(messages):
            self._desk.asked(self, Slot(place, index, one[:_HEAD]), Asked("MLLP", "/", "", one))

    # The desk's side

    def answer(
        self,
        slot: object,
        status: int,  # noqa: ARG002
        content_type: str,  # noqa: ARG002
        body: bytes,
        *,
        location: str = "",  # noqa: ARG002
        etag: str = "",  # noqa: ARG002
    ) -> None:
        """Fill a slot with an acknowledgement; an empty one says that none is wanted."""
        if isinstance(slot, Slot):
            slot.place.answers[slot.index] = body
            slot.place.missing -= 1
            self._flush()

    def deny(self, slot: object, refusal: GatewayRefusal) -> None:
        """Say that the leg itself did not take the message: it may be sent again."""
        if isinstance(slot, Slot):
            said = ack.refused(slot.head, "GB18030", refusal, again=True)
            self.answer(slot, refusal.status, "", said)

    def check(self, now: float) -> None:
        """End a connection that is over its time; called every second."""
        if now < self.deadline or self._places:
            return
        if self._inside and not self._broken:
            self._break(TooSlow())
        else:
            self._transport.abort()

    def _flush(self) -> None:
        said = []
        while self._places and not self._places[0].missing:
            place = self._places.popleft()
            body = place.answers[0]
            if place.envelope:
                body = batch.joined(place.answers, file=place.envelope.file)
            if body:
                said.append(framed(body))
            if place.close:
                self._places.clear()
        if said:
            self._transport.write(b"".join(said))
        if self._broken and not self._places:
            self._leave()
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._broken or self._transport.is_closing():
            return
        if self._inside:
            self.deadline = max(self.deadline, monotonic() + FRAME_TIME)
        self._cut()
        if self._ended and not self._places:
            self._transport.close()
        elif self._may_read():
            self._transport.resume_reading()

    def _may_read(self) -> bool:
        return not self._choked and not self._broken and len(self._places) < PIPELINED

    def _leave(self) -> None:
        if self._ended:
            self._transport.close()
        elif not self._transport.is_closing():
            # Closing with bytes unread would reset the connection and lose the refusal on its way.
            self._transport.write_eof()

    def _break(self, refusal: GatewayRefusal) -> None:
        """Refuse what cannot be framed: after it nobody knows where a message begins."""
        self._broken = True
        head = bytes(self._buffer[:_HEAD]) if self._inside else b""
        self._buffer.clear()
        self.deadline = monotonic() + LINGER_TIME
        self._say_no(refusal, head, close=True)

    def _say_no(self, refusal: GatewayRefusal, message: bytes, *, close: bool = False) -> None:
        self._desk.refused(self, refusal)
        later = refusal.status >= 500 or refusal.status == TooSlow.status
        said = ack.refused(message[:_HEAD], "GB18030", refusal, again=later)
        self._places.append(Place(0, [said], close=close))
        self._flush()
