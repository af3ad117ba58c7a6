"""The two doors of the web process: TLS for browsers, the Unix socket for the command line."""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from appliance.errors import Text, Unavailable
from appliance.settings import Settings
from controller.access.tls import context
from controller.api.dispatch import METRICS, PREFIX
from controller.api.entry import PEER
from controller.serve import create_app
from controller.serve.tls import LateHandshake, PatientServer

THREADS = 12  # for browsers; each waiting or listening client holds one
PEER_THREADS = 8
_LARGEST = (
    64 * 1024**3
)  # bytes: an image of a machine; each address has a limit of its own below that
TIMEOUT = 10  # seconds a client may be silent within a request, or between two


class DoorTaken(Unavailable):
    """A port or socket is in the hands of another program, or may not be opened."""

    code = "serve.door_taken"
    text = Text("无法监听 {what}：{why}", "Cannot listen on {what}: {why}")
    hint = Text(
        "请结束占用该端口的程序，或在 /etc/hbox/hbox.toml 中更改 console_port。",
        "End the program that holds it, or change console_port in /etc/hbox/hbox.toml.",
    )


Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def browsers(app: Wsgi, settings: Settings, address: str | None = None) -> PatientServer:
    """Return the TLS server, ready to be started, on every address of the machine or on one."""
    tls = settings.state / "tls"
    host = address or ("::" if _ipv6() else "0.0.0.0")
    server = PatientServer((host, settings.console_port), app, THREADS, timeout=TIMEOUT)
    server.ssl_adapter = LateHandshake(context(tls / "server.crt", tls / "server.key"))
    return _sized(server)


def peers(app: Wsgi, settings: Settings) -> PatientServer:
    """Return the server on `api.sock`; only the API is there, and the kernel says who asks."""
    path = settings.run / "api.sock"
    path.unlink(missing_ok=True)  # of an earlier process that was killed
    server = PatientServer(
        str(path), _named(app), PEER_THREADS, timeout=TIMEOUT, peercreds_enabled=True
    )
    return _sized(server)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    app = create_app(settings)
    servers = [browsers(app, settings), peers(app, settings)]
    asked = threading.Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: asked.set())
    threads = [_started(server, asked) for server in servers]
    # Anyone on this machine may knock: the kernel tells who it is, and only known accounts get in.
    (settings.run / "api.sock").chmod(0o666)
    sys.stderr.write(f"serving on port {settings.console_port} and {settings.run / 'api.sock'}\n")
    asked.wait()
    for server in servers:
        server.stop()
    for thread in threads:
        thread.join(TIMEOUT)


def _started(server: PatientServer, asked: threading.Event) -> threading.Thread:
    try:
        server.prepare()
    except OSError as error:
        raise DoorTaken(what=server.bind_addr, why=error) from error

    def serve() -> None:
        try:
            server.serve()
        finally:
            asked.set()  # one door fallen shut ends the process; the service manager starts it anew

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def _named(app: Wsgi) -> Wsgi:
    """Put the peer's uid where no header can reach, and keep the console off this socket."""

    def named(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if not str(environ.get("PATH_INFO", "")).startswith((PREFIX, METRICS)):
            start("404 Not Found", [("Content-Length", "0")])
            return []
        uid = environ.get("X_REMOTE_UID")
        environ[PEER] = uid if uid is not None else "-1"
        return app(environ, start)

    return named


def _sized(server: PatientServer) -> PatientServer:
    server.server_name = "HBox"  # whose version is nobody's business
    server.max_request_header_size = 32768
    server.request_queue_size = 128  # connections that the kernel holds until they are accepted
    server.keep_alive_conn_limit = 256
    server.max_request_body_size = _LARGEST
    return server


def _ipv6() -> bool:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True
