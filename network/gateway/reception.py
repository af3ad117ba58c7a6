"""All doors of a leg and all its callers: who asked what, how much is open, who makes a call."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import orjson
from OpenSSL import SSL

from appliance.clock import monotonic
from appliance.errors import BoxError
from network.gateway.admission import CONNECTIONS, Admission
from network.gateway.caller import Caller
from network.gateway.connect import Outward
from network.gateway.desk import Asked, Doorway, Watched
from network.gateway.door import Door
from network.gateway.drop import Drop
from network.gateway.frames import Frame, Kind
from network.gateway.listening import Listen
from network.gateway.mllp_caller import MllpCaller
from network.gateway.mllp_door import MllpDoor
from network.gateway.refusals import Busy, GatewayRefusal, body
from network.gateway.suites import Agreed, Contexts, assure
from network.gateway.tls import Handshakes, Manner, Secured
from network.gateway.trains import Trains

OUTSTANDING = 2048  # messages that wait for the guard
_OF_ONE_PEER = OUTSTANDING // 2


@dataclass(frozen=True)
class Station:
    """Where a leg stands: its zone, address, doors, certificates, and the spool's folder."""

    side: str
    address: str
    listen: tuple[Listen, ...]
    contexts: Contexts
    spool: Path


@dataclass(frozen=True)
class Waiting:
    """Whom an answer belongs to."""

    door: Doorway
    slot: object


class Calls(Protocol):
    """Makes the calls of one wire."""

    async def make(self, call: Frame) -> Frame:
        """Make one call; return its RESULT."""

    def close(self) -> None:
        """Let go of what is open."""


class Reception:
    """The desk of a leg (see `desk.Desk`), with the doors before it and the callers behind it."""

    def __init__(
        self, station: Station, send: Callable[[Frame], None], has_room: Callable[[], bool]
    ) -> None:
        self._station, self._send, self._has_room = station, send, has_room
        self._turns: Handshakes = Handshakes()
        outward = Outward(station.contexts, self._turns)
        self._drop = Drop(self, station.spool, station.side, station.address)
        self._http = Caller(outward)
        self._calls: dict[str, Calls] = {"MLLP": MllpCaller(outward), "FILE": self._drop}
        self._trains = Trains(self._make)
        self._admission = Admission()
        self._waiting: dict[int, Waiting] = {}
        self._asking: Counter[str] = Counter()
        self._count = 0
        self._servers: list[asyncio.Server] = []
        self._sweeping: asyncio.Task[None] | None = None

    async def open(self) -> list[str]:
        """Open every door; return what was opened, or why not, in words for the log."""
        said = [await self._open(listen) for listen in self._station.listen]
        self._sweeping = asyncio.create_task(self._sweep())
        return said

    async def _open(self, listen: Listen) -> str:
        name = f"{listen.wire} {self._station.address}:{listen.port} {listen.tls}"
        if listen.wire == "files":
            return "files"
        try:
            factory = self._factory(listen)
            server = await asyncio.get_running_loop().create_server(
                factory, self._station.address, listen.port, backlog=CONNECTIONS
            )
        except (BoxError, OSError) as error:
            # One door that cannot open must not close the others.
            return f"NOT {name} ({error})"
        self._servers.append(server)
        return name

    def _factory(self, listen: Listen) -> Callable[[], asyncio.Protocol]:
        plain = partial(Door if listen.wire == "http" else MllpDoor, self)
        if listen.tls == "none":
            return plain
        context = self._station.contexts.accepting(listen.tls, client_cert=listen.client_cert)

        def check(connection: SSL.Connection) -> Agreed:
            return assure(connection, listen.tls)

        manner = Manner(context, check, self._turns, accepts=True)
        return lambda: Secured(manner, plain, desk=self)

    def close(self) -> None:
        """Close doors and lines."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for server in self._servers:
            server.close()
        for calls in (self._http, *self._calls.values()):
            calls.close()
        self._turns.close()

    # What doors say

    def opened(self, door: Watched) -> bool:
        """See `Desk.opened`."""
        return self._admission.enter(door)

    def closed(self, door: Watched) -> None:
        """See `Desk.closed`."""
        self._admission.leave(door)

    def holds(self, door: Watched, size: int) -> bool:
        """See `Desk.holds`."""
        return self._admission.hold(door, size)

    def asked(self, door: Doorway, slot: object, asked: Asked) -> None:
        """See `Desk.asked`."""
        open_now = len(self._waiting) >= OUTSTANDING or self._asking[door.peer] >= _OF_ONE_PEER
        if open_now or not self._has_room():
            refusal = Busy()
            self.refused(door, refusal)
            door.deny(slot, refusal)
            return
        self._count += 1
        self._waiting[self._count] = Waiting(door, slot)
        self._asking[door.peer] += 1
        ask = Frame(
            Kind.ASK, self._count, asked.method, asked.target, door.peer, key=asked.key,
            secure=door.secure, port=door.port, body=asked.body,
        )  # fmt: skip
        self._send(ask)

    def refused(self, door: Watched, refusal: GatewayRefusal) -> bytes:
        """See `Desk.refused`."""
        port, secure = getattr(door, "port", 0), getattr(door, "secure", "")
        note = Frame(
            Kind.NOTE, 0, peer=door.peer, code=refusal.code, status=refusal.status,
            port=port, secure=secure,
        )  # fmt: skip
        if self._has_room():  # a flood of refusals must not become a flood on the pipe
            self._send(note)
        return orjson.dumps(body(refusal))

    # What the guard says

    def answered(self, answer: Frame) -> None:
        """Give an answer to whoever waits for it, if the connection still is there."""
        waiting = self._waiting.pop(answer.ident, None)
        if waiting is None:
            return
        peer = waiting.door.peer
        self._asking[peer] -= 1
        if not self._asking[peer]:
            del self._asking[peer]
        if waiting.door in self._admission or waiting.door is self._drop:
            waiting.door.answer(
                waiting.slot, answer.status, answer.content_type, answer.body,
                location=answer.target, etag=answer.key,
            )  # fmt: skip

    async def make(self, call: Frame) -> Frame:
        """Make the call; return what came of it."""
        return await self._trains.make(call)

    async def _make(self, call: Frame) -> Frame:
        return await self._calls.get(call.method, self._http).make(call)

    async def _sweep(self) -> None:
        files = any(listen.wire == "files" for listen in self._station.listen)
        while True:
            await asyncio.sleep(1)
            now = monotonic()
            for door in self._admission:
                door.check(now)
            if files:
                self._drop.check(now)
