"""A leg of the gateway: HTTP, HL7 v2 and files on one side, frames on two pipes on the other.

It ends TLS and framing, and decides nothing.
"""

import argparse
import asyncio
import os
import resource
import sys
from pathlib import Path

import uvloop

from appliance.clock import iso
from network.gateway import seccomp
from network.gateway.frames import Frame, FrameBroken, Kind, Splitter, render
from network.gateway.listening import Listen, read
from network.gateway.reception import Reception, Station
from network.gateway.suites import Contexts

_FILES = 8192  # descriptors that a leg may have open
_FULL = 16 << 20  # bytes waiting for the guard after which new requests are told to come later
_BROKEN = 128 << 20  # bytes after which the guard counts as dead


class Leg:
    """Joins a reception to the guard's pipes; never stops reading its own."""

    def __init__(self, reader: int, writer: int, station: Station) -> None:
        self._reader, self._writer = reader, writer
        self._splitter = Splitter()
        self._unsent = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reception = Reception(station, self._to_guard, self._has_room)

    async def run(self) -> None:
        """Listen until the guard's pipe ends."""
        loop = asyncio.get_running_loop()
        seccomp.apply(seccomp.leg())  # the loop has made its socket pair by now
        self._gone = loop.create_future()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        loop.add_reader(self._reader, self._from_guard)
        opened = await self._reception.open()
        say(f"ready on {', '.join(opened) or 'nothing'}")
        try:
            await self._gone
        finally:
            self._reception.close()

    def _has_room(self) -> bool:
        return len(self._unsent) < _FULL

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
                self._reception.answered(frame)
            elif frame.kind is Kind.CALL:
                task = asyncio.create_task(self._make(frame))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _make(self, call: Frame) -> None:
        self._to_guard(await self._reception.make(call))

    def _to_guard(self, frame: Frame) -> None:
        idle = not self._unsent
        self._unsent += render(frame)
        if len(self._unsent) > _BROKEN:
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


def say(line: str) -> None:
    """Write one line to the log, which is standard error."""
    sys.stderr.write(f"{iso()} {line}\n")
    sys.stderr.flush()


def secrets(descriptor: int) -> Contexts:
    """Read what the launcher left in a pipe, to its end; without a descriptor there is no TLS."""
    if descriptor < 0:
        return Contexts({})
    with os.fdopen(descriptor, "rb") as pipe:
        return Contexts.from_json(pipe.read())


def main(side: str) -> None:
    """Run as the launcher starts it: pipe ends by number, what to listen on as JSON."""
    parser = argparse.ArgumentParser()
    for name in ("reader", "writer", "port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--secrets", type=int, default=-1)
    parser.add_argument("--spool", type=Path, default=Path("/nonexistent"))
    parser.add_argument("--listen", default="")
    given = parser.parse_args()
    os.umask(0o027)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, most), most))
    listen = read(given.listen) if given.listen else (Listen("http", given.port),)
    station = Station(side, given.address, listen, secrets(given.secrets), given.spool)
    seccomp.apply(seccomp.before_loop())
    try:
        uvloop.run(Leg(given.reader, given.writer, station).run())
    except ConnectionError as gone:
        say(str(gone))
        sys.exit(1)
