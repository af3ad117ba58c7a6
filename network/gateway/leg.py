"""A leg of the gateway: HTTP on one side, frames on two pipes on the other; it decides nothing."""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass

import orjson
import uvloop

from appliance.clock import iso, monotonic
from network.gateway import seccomp
from network.gateway.caller import Caller
from network.gateway.door import Asked, Door, Slot
from network.gateway.frames import Frame, FrameBroken, Kind, Splitter, render
from network.gateway.refusals import Busy, GatewayRefusal, body

CONNECTIONS = 256
OUTSTANDING = 1024  # requests that wait for the guard
_BUFFER_LIMIT = 64 << 20  # bytes waiting for the guard


@dataclass(frozen=True)
class Waiting:
    """Whom an answer belongs to."""

    door: Door
    slot: Slot


class Leg:
    """Gives each request to the guard, makes the calls it orders, never stops reading its pipe."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._splitter = Splitter()
        self._unsent = bytearray()
        self._waiting: dict[int, Waiting] = {}
        self._doors: set[Door] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._caller = Caller()
        self._count = 0

    async def run(self, address: str, port: int) -> None:
        """Listen on `address` until the guard's pipe ends."""
        loop = asyncio.get_running_loop()
        self._port = port
        seccomp.apply(seccomp.leg())  # the loop has made its socket pair by now
        self._gone = loop.create_future()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        loop.add_reader(self._reader, self._from_guard)
        server = await loop.create_server(lambda: Door(self), address, port, backlog=CONNECTIONS)
        sweeping = asyncio.create_task(self._sweep())
        sys.stderr.write(f"{iso()} ready on {address}:{port}\n")
        sys.stderr.flush()
        try:
            await self._gone
        finally:
            sweeping.cancel()
            server.close()
            self._caller.close()

    # What doors say

    def opened(self, door: Door) -> bool:
        """See `Desk.opened`."""
        self._doors.add(door)
        return len(self._doors) <= CONNECTIONS

    def closed(self, door: Door) -> None:
        """See `Desk.closed`."""
        self._doors.discard(door)

    def asked(self, door: Door, slot: Slot, asked: Asked) -> None:
        """See `Desk.asked`."""
        if len(self._waiting) >= OUTSTANDING:
            door.answer(slot, Busy.status, "application/json", self.refused(door, Busy()))
            return
        self._count += 1
        self._waiting[self._count] = Waiting(door, slot)
        ask = Frame(
            Kind.ASK, self._count, asked.method, asked.target, door.peer, key=asked.key,
            port=self._port, body=asked.body,
        )  # fmt: skip
        self._to_guard(ask)

    def refused(self, door: Door, refusal: GatewayRefusal) -> bytes:
        """See `Desk.refused`."""
        note = Frame(Kind.NOTE, 0, peer=door.peer, code=refusal.code, status=refusal.status)
        self._to_guard(note)
        return orjson.dumps(body(refusal))

    # The guard's pipes

    def _from_guard(self) -> None:
        try:
            data = os.read(self._reader, 1 << 20)
        except BlockingIOError:
            return
        if not data:
            self._end("the guard's pipe ended")
            return
        try:
            frames = self._splitter.feed(data)
        except FrameBroken as broken:
            self._end(str(broken))
            return
        for frame in frames:
            if frame.kind is Kind.ANSWER:
                self._answered(frame)
            elif frame.kind is Kind.CALL:
                task = asyncio.create_task(self._make(frame))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _answered(self, frame: Frame) -> None:
        waiting = self._waiting.pop(frame.ident, None)
        if waiting is not None and waiting.door in self._doors:
            waiting.door.answer(waiting.slot, frame.status, frame.content_type, frame.body)

    async def _make(self, call: Frame) -> None:
        self._to_guard(await self._caller.make(call))

    def _to_guard(self, frame: Frame) -> None:
        idle = not self._unsent
        self._unsent += render(frame)
        if len(self._unsent) > _BUFFER_LIMIT:
            self._end("the guard does not read")
        elif idle:
            self._push()

    def _push(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                del self._unsent[: os.write(self._writer, self._unsent)]
        except BlockingIOError:
            loop.add_writer(self._writer, self._push)
            return
        except BrokenPipeError:
            self._end("the guard's pipe broke")
        loop.remove_writer(self._writer)

    def _end(self, why: str) -> None:
        if not self._gone.done():
            self._gone.set_exception(ConnectionError(why))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            now = monotonic()
            for door in list(self._doors):
                door.check(now)


def main() -> None:
    """Run as the launcher starts it: pipe ends by number."""
    parser = argparse.ArgumentParser()
    for name in ("reader", "writer", "port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--address", required=True)
    given = parser.parse_args()
    seccomp.apply(seccomp.before_loop())
    try:
        uvloop.run(Leg(given.reader, given.writer).run(given.address, given.port))
    except ConnectionError as gone:
        sys.stderr.write(f"{iso()} {gone}\n")
        sys.exit(1)
