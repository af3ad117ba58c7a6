"""Senders that send again until they have an acknowledgement, and receivers that remember what came."""

import contextlib
import itertools
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from appliance.clock import pause
from tests.netns.world import INT_MODULE, Reply, World, in_namespace, read_reply

HL7 = ("ADT^A01", "ADT^A04", "SIU^S12", "ORU^R01")


@dataclass(frozen=True)
class Line:
    """One channel: `name`, its wire, and the path or the message type by which it is known."""

    name: str
    wire: str
    door: str


class Sender(threading.Thread):
    """Sends its messages one after the other; the next only when this one is acknowledged and `may` holds."""

    def __init__(
        self,
        world: World,
        line: Line,
        count: int,
        stop: threading.Event,
        may: Callable[[], bool],
    ) -> None:
        super().__init__(name=line.name)
        self.line, self.acked = line, 0
        self.idents = [f"{line.name}-{n:06d}" for n in range(count)]
        self.tries = 0
        self.refused: Counter[str] = Counter()
        self.failed: BaseException | None = None
        self._world, self._stopped, self._may = world, stop, may
        self._socket: socket.socket | None = None

    def run(self) -> None:
        try:
            for ident in self.idents:
                while not self._stopped.is_set() and not (self._may() and self._try(ident)):
                    pause(0.05)
                if self._stopped.is_set():
                    return
                self.acked += 1
        except BaseException as error:
            self.failed = error
            raise
        finally:
            self._close()

    def _try(self, ident: str) -> bool:
        self.tries += 1
        try:
            refused = self._http(ident) if self.line.wire == "http" else self._mllp(ident)
        except (OSError, ValueError):
            self._close()
            return False
        if refused:
            self.refused[refused] += 1
            pause(0.1)
        return not refused

    def _link(self) -> socket.socket:
        if self._socket is None:
            zone, port = self._world.plan.extranet, 8080 if self.line.wire == "http" else 2575
            self._socket = in_namespace(
                self._world.machines["ext"],
                lambda: socket.create_connection((zone.leg_address, port), timeout=15),
            )
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _http(self, ident: str) -> str:
        body = b'{"resourceType":"Appointment","status":"booked","id":"%s"}' % ident.encode()
        head = (
            f"POST {self.line.door} HTTP/1.1\r\nHost: gateway\r\nIdempotency-Key: {ident}\r\n"
            f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        link = self._link()
        link.sendall(head.encode() + body)
        with link.makefile("rb") as file:
            reply: Reply = read_reply(file)
        return "" if reply.status == 202 else str(reply.json["code"])

    def _mllp(self, ident: str) -> str:
        text = (
            f"MSH|^~\\&|HIS|H1|GW|G1|20261122001500||{self.line.door}|{ident}|P|2.4|||||CHN|UNICODE UTF-8\r"
            f"PID|1||{ident}||测试^病人\r"
        )
        link = self._link()
        link.sendall(b"\x0b" + text.encode() + b"\x1c\r")
        got = b""
        while not got.endswith(b"\x1c\r"):
            data = link.recv(65536)
            if not data:
                raise ConnectionError("closed")
            got += data
        fields = next(s for s in got.decode().split("\r") if s.startswith("MSA")).split("|")
        if fields[2] != ident:
            raise ConnectionError(f"an acknowledgement of {fields[2]}, not of {ident}")
        if fields[1] == "AA":
            return ""
        code = re.search(r"gateway\.[a-z_]+", got.decode())
        return code.group() if code else "|".join(fields)


class HttpEnd:
    """The HTTP receiver; `got` has (path, delivery, message id) in the order of arrival."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.raw: list[tuple[str, str, bytes]] = []
        self.open()

    def open(self) -> None:
        self._receiver = self._world.receiver("int", lambda *_: (200, b""))
        self._receiver.got = self.raw

    def close(self) -> None:
        self._world._receivers.remove(self._receiver)
        self._receiver.close()

    def delay(self, seconds: float) -> None:
        self._receiver.delay = seconds

    def came(self, line: Line) -> list[tuple[str, str]]:
        """Return (message id, delivery) in order of arrival."""
        return [
            (body.split(b'"id":"')[1].split(b'"')[0].decode(), delivery)
            for path, delivery, body in list(self.raw)
            if path == line.door
        ]


class MllpEnd:
    """The MLLP receiver."""

    def __init__(self, world: World) -> None:
        self._world, self._delay = world, 0.0
        self.raw: list[tuple[str, str]] = []
        self.open()

    def open(self) -> None:
        def listen() -> socket.socket:
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((INT_MODULE, 2575))
            made.listen(64)
            return made

        self._listening = in_namespace(self._world.machines["int"], listen)
        self._links: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, args=(self._listening,))]
        self._threads[0].start()

    def close(self) -> None:
        # A blocked accept and recv wake up at a shutdown, not at a close.
        for link in (self._listening, *self._links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for link in (self._listening, *self._links):
            link.close()

    def delay(self, seconds: float) -> None:
        self._delay = seconds

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                link, _ = listening.accept()
            except OSError:
                return
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links.append(link)
            thread = threading.Thread(target=self._serve, args=(link,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, link: socket.socket) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := link.recv(65536):
                held += data
                while b"\x1c\r" in held:
                    frame, held = held.split(b"\x1c\r", 1)
                    link.sendall(self._answer(frame.lstrip(b"\x0b").decode()))

    def _answer(self, text: str) -> bytes:
        head = text.split("\r", 1)[0].split("|")
        self.raw.append((head[8], head[9]))
        if self._delay:
            pause(self._delay)
        ack = f"MSH|^~\\&|R|R|G|G|20261122001500||ACK|a{len(self.raw)}|P|2.4\rMSA|AA|{head[9]}\r"
        return b"\x0b" + ack.encode() + b"\x1c\r"

    def came(self, line: Line) -> list[tuple[str, str]]:
        """Return (message id, message id) in order of arrival: the receiver dedupes by MSH-10."""
        return [(ident, ident) for kind, ident in list(self.raw) if kind == line.door]


def lines(http: int, mllp: int) -> list[Line]:
    """Return so many channels of each wire."""
    named = [Line(f"h{n}", "http", f"/in/h{n}") for n in range(http)]
    return [*named, *(Line(f"m{n}", "mllp", kind) for n, kind in enumerate(HL7[:mllp]))]


def goes_back(idents: list[str]) -> int:
    """Return how often an older message came after a newer one."""
    return sum(one > two for one, two in itertools.pairwise(idents))
