"""Sending lines to syslog (RFC 3164 form, facility local6): the machine's own, and a remote one if told."""

import logging
import logging.handlers
import socket
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from appliance.errors import BadInput

LOCAL = Path("/dev/log")
Weight = Literal["info", "warning", "error"]

_LEVELS: dict[str, int] = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
_PORT = 514
_LIMIT = 2000  # bytes of one line that every receiver takes


class Syslog:
    """Where lines go; a receiver that is away costs its lines there, never the caller's work."""

    def __init__(self, remote: str = "", *, local: Path = LOCAL, tag: str = "hbox") -> None:
        self._tag = tag
        self._local = local
        self._remote = parsed(remote)

    def send(self, line: str, weight: Weight = "info") -> int:
        """Send one line (control characters become spaces); return how many receivers took it."""
        told = "".join(c if c.isprintable() else " " for c in line).encode()[:_LIMIT]
        record = logging.LogRecord(
            self._tag, _LEVELS[weight], "", 0, told.decode("utf-8", "ignore"), None, None
        )
        return sum(self._sent(record, where) for where in (self._here(), self._remote) if where)

    def _here(self) -> tuple[str, socket.SocketKind] | None:
        return (str(self._local), socket.SOCK_DGRAM) if self._local.is_socket() else None

    def _sent(
        self, record: logging.LogRecord, where: tuple[str | tuple[str, int], socket.SocketKind]
    ) -> bool:
        try:
            handler = _Handler(where[0], _FACILITY, where[1])
        except OSError:
            return False
        handler.ident = f"{self._tag}: "
        handler.append_nul = False
        try:
            handler.emit(record)
        except OSError:
            return False
        finally:
            handler.close()
        return True


class _Handler(logging.handlers.SysLogHandler):
    """The library's handler, made to raise what it would print."""

    def createSocket(self) -> None:  # noqa: N802 - the library's name
        super().createSocket()
        made: socket.socket | None = getattr(self, "socket", None)
        if made is not None:
            made.settimeout(2.0)

    def format(self, record: logging.LogRecord) -> str:
        # Over TCP one line ends where the next begins (RFC 6587, 3.4.2).
        told = super().format(record)
        return told + "\n" if self.socktype is socket.SOCK_STREAM else told

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the library's name
        raise  # noqa: PLE0704 - called while its exception is handled


_FACILITY = logging.handlers.SysLogHandler.LOG_LOCAL6


def parsed(remote: str) -> tuple[tuple[str, int], socket.SocketKind] | None:
    """Return address and kind of `udp://host:port` or `tcp://host:port`, None for ""; raises `BadInput`."""
    if not remote:
        return None
    parts = urlsplit(remote)
    if parts.scheme not in _KINDS or not parts.hostname or parts.path:
        raise BadInput(what="syslog_remote", why="udp://host:port or tcp://host:port")
    return (parts.hostname, parts.port or _PORT), _KINDS[parts.scheme]
