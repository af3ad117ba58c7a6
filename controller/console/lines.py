"""The two ends of one console: a WebSocket and the Unix socket that the worker opened; what passed is counted."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from appliance import clock
from controller.console.rfb import NotRfb, Viewer

_CHUNK = 65536
Sieve = Callable[[bytes], tuple[bytes, bool]]
"""Takes what a viewer said; gives what goes on to the machine, and whether a person did something."""


def sieve(kind: str) -> Sieve:
    """Return the sieve of a kind of console."""
    if kind == "serial":
        return lambda data: (data, bool(data))
    return Viewer(watching=kind == "watch").passed


@dataclass
class Line:
    """One open console. `acted` is when a person last did something, on the monotonic clock."""

    viewer: ServerConnection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sieve: Sieve
    bytes_in: int = 0
    bytes_out: int = 0
    began: float = field(default_factory=clock.monotonic)
    acted: float = field(default_factory=clock.monotonic)

    async def run(self, watch: Callable[["Line"], Coroutine[None, None, str]]) -> str:
        """Carry bytes until one end is over or `watch` says why it must end; return why."""
        tasks = {
            asyncio.ensure_future(self._inward()),
            asyncio.ensure_future(self._outward()),
            asyncio.ensure_future(watch(self)),
        }
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        self.writer.close()
        return next(iter(done)).result()

    async def _inward(self) -> str:
        try:
            async for message in self.viewer:
                if isinstance(message, str):
                    continue  # words are for the door alone
                passed, acted = self.sieve(message)
                self.bytes_in += len(message)
                if acted:
                    self.acted = clock.monotonic()
                self.writer.write(passed)
                await self.writer.drain()
        except NotRfb as error:
            return str(error)
        except (OSError, ConnectionClosed):
            pass
        return "查看者离开 the viewer left"

    async def _outward(self) -> str:
        with contextlib.suppress(OSError, ConnectionClosed):
            while data := await self.reader.read(_CHUNK):
                self.bytes_out += len(data)
                await self.viewer.send(data)
        return "虚拟机一端结束 the machine's end is over"
