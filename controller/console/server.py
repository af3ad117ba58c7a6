"""The console process: a ticket opens one session, whose bytes go to and from what the worker holds."""

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass

from sqlalchemy import Engine
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from appliance.errors import BoxError, Text, Unauthenticated, Unavailable
from appliance.settings import Settings
from controller.access import sessions, tickets
from controller.console import doors
from controller.console.lines import Line, sieve
from controller.console.watch import Watch, login
from controller.records.cluster import ConsoleSession
from controller.records.session import open_records

ENDED, REFUSED = 4000, 4003
"""How a WebSocket is closed: over, with the reason; not let in."""

_PATIENCE = 10.0  # seconds for the ticket after the handshake
_SWEEP = 15.0  # seconds between two looks for sessions that nobody came for
_ASKED = 180.0  # seconds until a session that nobody came for is over


class LineAway(Unavailable):
    """The worker does not hold the other end (any more)."""

    code = "console.line_away"
    text = Text("控制台连接已失效：{why}", "The console's line is not there (any more): {why}")
    hint = tickets.ConsoleOver.hint


@dataclass(frozen=True)
class Consoles:
    """The process on one box's records."""

    settings: Settings
    engine: Engine

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then every session ends."""
        await asyncio.to_thread(tickets.sweep, self.engine, older=_ASKED, abandoned=True)
        tls = await doors.browsers(self.settings, self.from_browser)
        own = await doors.shells(self.settings, self.from_shell)
        sys.stderr.write(f"consoles on port {self.settings.screen_port}\n")
        async with tls, own:
            sweeper = asyncio.ensure_future(self._sweep())
            await stop.wait()
            sweeper.cancel()

    async def from_browser(self, viewer: ServerConnection) -> None:
        """Serve a WebSocket that came over TLS: whoever is logged in there must be who asked."""
        cookie, peer = doors.cookie(viewer), str(viewer.remote_address[0])
        try:
            visit = await asyncio.to_thread(
                sessions.whose, self.engine, self.settings, cookie, source=peer
            )
        except Unauthenticated as error:
            await _refuse(viewer, error)
            return
        row = await self._let_in(viewer, peer, visit.principal.actor)
        if row is not None:
            lasts = login(self.engine, self.settings, cookie, peer)
            await self._bridge(viewer, row, Watch(self.settings, self.engine, row.id, lasts))

    async def from_shell(self, viewer: ServerConnection) -> None:
        """Serve a WebSocket from this machine's own socket: the ticket alone tells who it is."""
        row = await self._let_in(viewer, "socket", None)
        if row is not None:
            await self._bridge(viewer, row, Watch(self.settings, self.engine, row.id))

    async def _let_in(
        self, viewer: ServerConnection, peer: str, who: str | None
    ) -> ConsoleSession | None:
        try:
            ticket = await asyncio.wait_for(viewer.recv(decode=True), _PATIENCE)
            return await asyncio.to_thread(tickets.redeem, self.engine, ticket, peer, account=who)
        except BoxError as error:
            await _refuse(viewer, error)
        except (ConnectionClosed, TimeoutError):
            await _refuse(viewer, tickets.BadTicket())
        return None

    async def _bridge(self, viewer: ServerConnection, row: ConsoleSession, watch: Watch) -> None:
        path = self.settings.run / "console" / f"{row.id}.sock"
        line, state, why = None, "failed", "控制台服务停止 the console service stops"
        try:
            reader, writer = await asyncio.open_unix_connection(str(path))
            line = Line(viewer, reader, writer, sieve(row.kind))
            await viewer.send("open")
            why = await line.run(watch.until_over)
            state = "closed"
        except OSError as error:
            why = LineAway(why=error.strerror or type(error).__name__).message.zh
        except ConnectionClosed:
            why = "查看者离开 the viewer left"
        finally:
            counted = (line.bytes_in, line.bytes_out) if line else (0, 0)
            tickets.finish(self.engine, row.id, state, why, counted)
        await viewer.close(ENDED, _short(why))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            try:
                await asyncio.to_thread(tickets.sweep, self.engine, older=_ASKED)
            except BoxError as error:  # the records may be away for a while
                sys.stderr.write(f"{error}\n")


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    asyncio.run(_run(Consoles(settings, open_records(settings.database))))


async def _run(consoles: Consoles) -> None:
    stop = asyncio.Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wish, stop.set)
    await consoles.run(stop)


async def _refuse(viewer: ServerConnection, error: BoxError) -> None:
    with contextlib.suppress(ConnectionClosed):
        await viewer.close(REFUSED, _short(f"{error.message.zh} {error.message.en}"))


def _short(why: str) -> str:
    """A WebSocket's reason has room for 123 bytes."""
    return why.encode()[:120].decode("utf-8", "ignore")
