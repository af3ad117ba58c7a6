"""The outgoing side of a leg: one call, made with new headers over a kept-alive connection."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import httptools

from network.gateway import connect
from network.gateway.desk import printable
from network.gateway.frames import BODY_LIMIT, Frame, Kind
from network.gateway.line import Line, why

_KEPT = 8  # idle connections kept per receiver
_ANSWER_LIMIT = 2 * BODY_LIMIT  # bytes with head and chunk sizes; the parser itself knows no bound


@dataclass
class Heard:
    """One answer of a receiver; other headers than these are not looked at."""

    status: int = 0
    content_type: str = ""
    location: str = ""
    etag: str = ""
    body: bytearray = field(default_factory=bytearray)


_HEADERS = {b"content-type": "content_type", b"location": "location", b"etag": "etag"}


class HttpLine(Line[Heard]):
    """One connection to a receiver; one call at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = False

    def data_received(self, data: bytes) -> None:
        """Parse the answer; bytes nobody asked for end the connection."""
        if self._answer is None or self._answer.done():
            self.close()
            return
        self.heard = True
        self._size += len(data)
        if self._size > _ANSWER_LIMIT:
            self._fail("answer too large")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("not lawful HTTP")

    async def ask(self, request: bytes) -> Heard:
        """Send one request, return what came; raises `ConnectionError`."""
        transport, answer = self._begin()
        self._parser = httptools.HttpResponseParser(self)
        self._got, self.heard, self._size = Heard(), False, 0
        transport.write(request)
        return await answer

    def on_message_begin(self) -> None:
        """A second answer behind the first was not asked for; the next call must not hear it."""
        if self._answer is not None and self._answer.done():
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what a FHIR answer needs; anything but printable ASCII counts as not said."""
        if (kept := _HEADERS.get(name.lower())) is not None:
            setattr(self._got, kept, printable(value))

    def on_body(self, data: bytes) -> None:
        """Collect, within the bound; what belongs to a second answer is none of the first."""
        if self._answer is None or self._answer.done():
            return
        self._got.body += data
        if len(self._got.body) > BODY_LIMIT:
            self._fail("answer too large")

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only said 100 Continue."""
        status = self._parser.get_status_code()
        if self._answer is None or self._answer.done():
            return
        if status < 200:
            self._got = Heard()
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        self._got.status = status
        self._answer.set_result(self._got)


class Caller:
    """Makes the calls that the guard orders, and keeps a few connections open."""

    def __init__(self, outward: connect.Outward | None = None) -> None:
        self._outward = outward
        self._idle: dict[tuple[str, str], list[HttpLine]] = {}

    async def make(self, call: Frame) -> Frame:
        """Make one call within its limit; the result's `code` is empty when HTTP itself worked."""
        try:
            async with asyncio.timeout(call.limit / 1000):
                got = await self._ask(call)
        except TimeoutError:
            return Frame(Kind.RESULT, call.ident, code="late")
        except OSError as error:
            return Frame(Kind.RESULT, call.ident, code=why(error))
        return Frame(
            Kind.RESULT, call.ident, status=got.status, target=got.location, key=got.etag,
            content_type=got.content_type, body=bytes(got.body),
        )  # fmt: skip

    def close(self) -> None:
        """End every idle connection."""
        for line in (line for idle in self._idle.values() for line in idle):
            line.close()
        self._idle.clear()

    async def _ask(self, call: Frame) -> Heard:
        request = rendered(call)
        idle = self._idle.setdefault((call.peer, call.secure), [])
        while idle:
            line = idle.pop()
            if not line.usable:
                continue
            # The receiver may close a resting connection just now; receivers know a delivery by
            # its id, so asking once more on a new connection has no second effect.
            with contextlib.suppress(ConnectionError):
                return await self._on(line, idle, request)
            if line.heard:
                raise ConnectionError("connection closed")
        line = await connect.connect(HttpLine, call.peer, call.secure, self._outward)
        return await self._on(line, idle, request)

    async def _on(self, line: HttpLine, idle: list[HttpLine], request: bytes) -> Heard:
        done = False
        try:
            answer = await line.ask(request)
            done = True
        finally:
            if done and line.usable and len(idle) < _KEPT:
                idle.append(line)
            else:
                line.close()
        return answer


def rendered(call: Frame) -> bytes:
    """Return the request's bytes: every header is ours, none is the sender's."""
    lines = [
        f"{call.method} {call.target} HTTP/1.1",
        f"Host: {call.peer}",
        "User-Agent: HBox-gateway",
        "Accept: application/fhir+json, application/json",
        f"X-HBox-Delivery: {call.delivery}",
    ]
    if call.body:
        lines += [f"Content-Type: {call.content_type}", f"Content-Length: {len(call.body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + call.body
