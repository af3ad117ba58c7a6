"""One HTTP/1.1 connection of a peer to a leg: parsing, limits, and answers in the order of asking."""

import asyncio
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools
import orjson

from appliance.clock import monotonic
from network.gateway import refusals
from network.gateway.admission import FREE
from network.gateway.desk import Asked, Desk, where
from network.gateway.frames import BODY_LIMIT
from network.gateway.refusals import (
    BadHttp,
    BodyTooLarge,
    Busy,
    GatewayRefusal,
    HeadTooLarge,
    TooSlow,
)

HEAD_LIMIT = 16384  # bytes of request line and headers
URL_LIMIT = 2048
MESSAGE_LIMIT = HEAD_LIMIT + 2 * BODY_LIMIT  # bytes of one request with the sizes of its chunks
PIPELINED = 16  # open requests of one connection; then it is not read any more
REQUEST_TIME = 15.0  # seconds in which a request must have come whole
LINGER_TIME = 2.0  # seconds in which the rest of a refused request is thrown away
IDLE_TIME = 60.0  # seconds a connection may rest between requests
SLICE = 4096  # bytes parsed before it is looked whether the peer has asked enough
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass
class Slot:
    """The place of one request in the order of answers."""

    answer: bytes | None = None
    close: bool = False


def response(status: int, content_type: str, body: bytes, *, close: bool, extra: str = "") -> bytes:
    """Return the bytes of an HTTP/1.1 response with headers of our own making."""
    phrase = _PHRASES.get(status, "Refused")
    ending = "close" if close else "keep-alive"
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {ending}\r\nCache-Control: no-store\r\n"
        f"{extra}\r\n"
    )
    return head.encode("ascii") + body


class Door(asyncio.Protocol):
    """Feeds httptools (llhttp, strict) and adds what it does not do: limits, times, order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._slots: deque[Slot] = deque()
        self._parser = httptools.HttpRequestParser(self)
        self._broken: GatewayRefusal | None = None
        self._ended = False  # the peer will send nothing more
        self._begin()
        self._asking = False
        self._messages = 0  # requests begun
        self._choked = False  # the peer does not read what it is told
        self._kept = b""  # came with requests before it, not parsed yet
        self._busy = False
        self.peer, self.port, self.secure = "", 0, ""
        self.deadline = monotonic() + IDLE_TIME

    def _begin(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = self._size = 0
        self._head_done = False
        self._body = bytearray()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or send it away when there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit
        self.peer, self.port, self.secure = where(self._transport)
        if not self._desk.opened(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Forget the connection; answers that come later are dropped."""
        self._slots.clear()
        self._desk.closed(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a broken request is answered after those before it."""
        self._kept += data
        if not self._busy:
            self._parse()

    def _parse(self) -> None:
        # Slice by slice: a thousand small requests in one piece must not all be taken at once.
        self._busy, at = True, 0
        while at < len(self._kept) and len(self._slots) < PIPELINED and self._broken is None:
            self._feed(self._kept[at : at + SLICE])
            at += SLICE
        self._kept = b"" if self._broken is not None else self._kept[at:]
        self._busy = False
        if len(self._slots) >= PIPELINED and self._broken is None:
            self._transport.pause_reading()
        if self._ended and not self._kept and not self._slots and self._broken is None:
            self._transport.close()

    def _feed(self, data: bytes) -> None:
        only = self._messages + (0 if self._asking else 1)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break(BadHttp(why="upgrade"))
        except httptools.HttpParserError as error:
            self._break(BadHttp(why=type(error).__name__))
        self._after(len(data) if self._messages == only else 0)

    def _after(self, size: int) -> None:
        # `size` counts bytes that belong to one request alone, not those of several in one piece.
        if self._asking:
            self._size += size
            if self._size > HEAD_LIMIT and not self._head_done:
                self._break(HeadTooLarge(limit=HEAD_LIMIT))
            elif self._size > MESSAGE_LIMIT:
                self._break(BodyTooLarge(limit=BODY_LIMIT))
        if self._broken is not None:
            self._say_broken(self._broken)

    def eof_received(self) -> bool:
        """Keep a half-closed connection open as long as answers are owed."""
        self._ended = True
        return bool(self._slots or self._kept)

    def pause_writing(self) -> None:
        """The peer does not read: take no more from it."""
        self._choked = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._choked = False
        self._resume()

    # httptools' side

    def on_message_begin(self) -> None:
        """A request starts: it now has REQUEST_TIME to come whole."""
        self._begin()
        self._messages += 1
        self._asking = True
        self.deadline = monotonic() + REQUEST_TIME

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        self._url += url
        if len(self._url) > URL_LIMIT:
            self._break(HeadTooLarge(limit=URL_LIMIT))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header; a trailer would be taken for one, and is refused."""
        if self._head_done:
            self._break(BadHttp(why="trailer"))
            return
        self._headers.append((name.lower(), value.strip()))
        self._head_size += len(name) + len(value) + 4
        if self._head_size > HEAD_LIMIT:
            self._break(HeadTooLarge(limit=HEAD_LIMIT))

    def on_headers_complete(self) -> None:
        """Refuse what two parsers could read differently (RFC 9112, section 6)."""
        self._head_done = True
        lengths = self._values(b"content-length")
        codings = self._values(b"transfer-encoding")
        if len(lengths) > 1 or (lengths and codings) or len(codings) > 1:
            self._break(BadHttp(why="its length is said twice"))
        elif (codings and codings[0].lower() != b"chunked") or self._values(b"upgrade"):
            self._break(BadHttp(why="transfer encoding or upgrade"))
        elif lengths and (not lengths[0].isdigit() or int(lengths[0]) > BODY_LIMIT):
            self._break(BodyTooLarge(limit=BODY_LIMIT))
        elif self._parser.get_http_version() not in ("1.0", "1.1"):
            self._break(BadHttp(why="version"))
        elif self._parser.get_http_version() == "1.1" and len(self._values(b"host")) != 1:
            self._break(BadHttp(why="host"))
        elif self._values(b"expect") and not self._slots:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Collect a piece of the body; a chunked one shows its size only now."""
        if len(self._body) + len(data) > BODY_LIMIT:
            self._break(BodyTooLarge(limit=BODY_LIMIT))
        elif self._broken is None:
            self._body += data
            if len(self._body) > FREE and not self._desk.holds(self, len(self._body)):
                self._break(Busy())

    def on_message_complete(self) -> None:
        """Hand the whole request over."""
        self._asking = False
        self.deadline = monotonic() + IDLE_TIME
        if len(self._body) > FREE:
            self._desk.holds(self, 0)
        if self._broken is not None:
            return
        try:
            target = self._url.decode("ascii")
            key = b",".join(self._values(b"idempotency-key")).decode("ascii")
        except UnicodeDecodeError:
            self._break(BadHttp(why="not ASCII"))
            return
        if not target.startswith("/") or len(key) > 200 or not (target + key).isprintable():
            self._break(BadHttp(why="target or key"))
            return
        slot = Slot(close=not self._parser.should_keep_alive())
        self._slots.append(slot)
        method = self._parser.get_method().decode("ascii")
        self._desk.asked(self, slot, Asked(method, target, key, bytes(self._body)))

    # the desk's side

    def answer(
        self,
        slot: object,
        status: int,
        content_type: str,
        body: bytes,
        *,
        location: str = "",
        etag: str = "",
    ) -> None:
        """Fill a slot; what is ready at the head of the line goes out."""
        if not isinstance(slot, Slot):
            raise TypeError("not a slot of this door")
        extra = f"Location: {location}\r\n" if location else ""
        extra += f"ETag: {etag}\r\n" if etag else ""
        slot.answer = response(status, content_type, body, close=slot.close, extra=extra)
        self._flush()

    def deny(self, slot: object, refusal: GatewayRefusal) -> None:
        """See `Doorway.deny`."""
        said = orjson.dumps(refusals.body(refusal))
        self.answer(slot, refusal.status, "application/json", said)

    def check(self, now: float) -> None:
        """End a connection that is over its time; called every second."""
        if now < self.deadline or self._slots:
            return
        if self._asking and self._broken is None:
            self._break(TooSlow())
            self._say_broken(TooSlow())
        else:
            self._transport.abort()

    def _flush(self) -> None:
        while self._slots and self._slots[0].answer is not None:
            slot = self._slots.popleft()
            self._transport.write(slot.answer or b"")
            if slot.close:
                self._slots.clear()
                self._leave()
                return
        if self._ended and not self._slots and not self._kept:
            self._transport.close()
        else:
            self._resume()

    def _leave(self) -> None:
        if self._broken is None or self._ended:
            self._transport.close()
        else:
            # Closing with bytes unread would reset the connection and lose the refusal on its way.
            self._transport.write_eof()

    def _resume(self) -> None:
        ready = not self._choked and len(self._slots) < PIPELINED
        if ready and not self._transport.is_closing() and self._broken is None:
            self._transport.resume_reading()
            if self._kept and not self._busy:
                self._parse()

    def _break(self, refusal: GatewayRefusal) -> None:
        self._broken = self._broken or refusal

    def _say_broken(self, refusal: GatewayRefusal) -> None:
        said = self._desk.refused(self, refusal)
        slot = Slot(close=True)
        self._slots.append(slot)
        self.deadline = monotonic() + LINGER_TIME
        self.answer(slot, refusal.status, "application/json", said)

    def _values(self, name: bytes) -> list[bytes]:
        return [value for header, value in self._headers if header == name]
