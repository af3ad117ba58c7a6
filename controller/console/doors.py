"""The two doors of the console process: WebSockets over TLS for browsers, on a Unix socket for shells."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.http11 import Request, Response

from appliance.settings import Settings
from controller.access.sessions import COOKIE
from controller.access.tickets import SOCKET
from controller.access.tls import context

MOST = 64  # connections at a door, those that have not shown their ticket yet included
_OPTIONS: dict[str, Any] = {
    "max_size": 65536,  # bytes that a viewer may send in one message
    "max_queue": 8,
    "open_timeout": 10,
    "close_timeout": 3,
    "ping_interval": 20,
    "ping_timeout": 30,
    "compression": None,  # screens are packed already, and secrets stay apart from guesses
    "server_header": None,
}
Handler = Callable[[ServerConnection], Awaitable[None]]


async def browsers(settings: Settings, serves: Handler, address: str | None = None) -> Server:
    """Open the door for browsers, on every address of the machine or on one."""
    folder = settings.state / "tls"
    return await serve(
        serves,
        address,
        settings.screen_port,
        ssl=context(folder / "server.crt", folder / "server.key"),
        ssl_handshake_timeout=10,
        process_request=own_page,
        **_OPTIONS,
    )


async def shells(settings: Settings, serves: Handler) -> Server:
    """Open the door for this machine's shells."""
    path = settings.run / SOCKET
    path.unlink(missing_ok=True)  # of an earlier process that was killed
    made = await unix_serve(serves, str(path), process_request=room, **_OPTIONS)
    # Whoever is on this machine may knock: only a ticket lets in, and its owner alone was given it.
    path.chmod(0o666)
    return made


def own_page(viewer: ServerConnection, asked: Request) -> Response | None:
    """Let only pages of this very box open a WebSocket: of the host that was asked, over TLS."""
    origin = urlsplit(asked.headers.get("Origin", ""))
    host = urlsplit(f"//{asked.headers.get('Host', '')}").hostname
    if origin.scheme != "https" or origin.hostname is None or origin.hostname != host:
        return viewer.respond(HTTPStatus.FORBIDDEN, "not from a page of this box\n")
    return room(viewer, asked)


def room(viewer: ServerConnection, _asked: Request) -> Response | None:
    """Turn away whoever comes when the door is full."""
    if len(viewer.server.connections) >= MOST:
        return viewer.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many consoles\n")
    return None


def cookie(viewer: ServerConnection) -> str:
    """Return the login's cookie that came with the handshake ("": none)."""
    raw = viewer.request.headers.get("Cookie", "") if viewer.request else ""
    try:
        held = SimpleCookie(raw).get(COOKIE)
    except CookieError:
        return ""
    return held.value if held is not None else ""
