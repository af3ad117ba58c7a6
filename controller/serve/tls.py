"""TLS for cheroot without waiting for anybody's handshake, so that a silent client holds up nobody.

cheroot's own adapter shakes hands in the one thread that accepts. Here a connection waits in the
selector until its client says something, gets a thread for as far as those bytes reach, and goes
back to wait; a request gets its thread when its first byte is there.
"""

import contextlib
import errno
import os
import socket
import ssl
from typing import Any

from cheroot.connections import ConnectionManager
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection
from cheroot.ssl import Adapter
from cheroot.wsgi import Gateway_10, Server

_PLAIN = (
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Connection: close\r\nContent-Length: {length}\r\n\r\n{text}"
)
_SAID = "此端口只接受 HTTPS。This port speaks HTTPS only.\n"


class LateHandshake(Adapter):
    """Wraps a socket without shaking hands; `Connection` does that when the client has spoken."""

    def __init__(self, made: ssl.SSLContext) -> None:
        self.context = made

    def bind(self, sock: socket.socket) -> socket.socket:
        """Leave the listening socket as it is."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Return the TLS socket, hands not yet shaken."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, self.get_environ()

    def get_environ(self) -> dict[str, str]:
        """Return what every request over TLS carries in its WSGI environment."""
        return {"wsgi.url_scheme": "https", "HTTPS": "on"}

    def makefile(self, sock: ssl.SSLSocket, mode: str = "r", bufsize: int = -1) -> Any:
        """Return cheroot's buffered reader or writer on the socket."""
        return (StreamReader if "r" in mode else StreamWriter)(sock, mode, bufsize)


class Connection(HTTPConnection):
    """A connection whose hands are shaken step by step, each when the client has said something."""

    waited = False
    _shaken = False

    def communicate(self) -> bool:
        """Go on with the handshake, or handle one request; return whether the connection stays."""
        if self._shaken or not isinstance(self.socket, ssl.SSLSocket):
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        return self._step(self.socket)

    def _step(self, sock: ssl.SSLSocket) -> bool:
        """Shake as far as the client's bytes reach; True sends the connection back to wait for more."""
        patience = sock.gettimeout()
        sock.settimeout(0)
        try:
            sock.do_handshake()
            self._shaken = True
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except ssl.SSLError as error:
            if "HTTP_REQUEST" in str(error.reason):
                self._say_https(sock)
            return False
        except OSError:
            return False
        sock.settimeout(patience)
        return True

    def _say_https(self, sock: ssl.SSLSocket) -> None:
        said = _PLAIN.format(length=len(_SAID.encode()), text=_SAID).encode()
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(sock.fileno())) as plain:
            plain.settimeout(1.0)
            plain.sendall(said)


class Closing(Gateway_10):
    """Lets the application close a connection whose request it did not read, and clients go away."""

    def start_response(self, status: str, headers: list[tuple[str, str]], exc: Any = None) -> Any:
        """See PEP 3333."""
        if ("Connection", "close") in headers:
            self.req.close_connection = True
        return super().start_response(status, headers, exc)

    def write(self, chunk: bytes) -> None:
        """Send a piece of the answer; a client that went away is no error of ours."""
        try:
            super().write(chunk)
        except ssl.SSLError as error:
            raise BrokenPipeError(errno.EPIPE, "the client went away") from error


class PatientServer(Server):
    """A cheroot server that gives a thread only to a client that has said something."""

    ConnectionClass = Connection

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gateway = Closing

    def process_conn(self, conn: Connection) -> None:
        """Send a fresh connection to wait in the selector, one that can be read to a thread."""
        if conn.waited:
            super().process_conn(conn)
        else:
            conn.waited = True
            waiting: ConnectionManager = vars(self)["_connections"]
            waiting.put(conn)
