"""One scan by clamd over its Unix socket (INSTREAM): bytes or an open file go in, a verdict comes out."""

import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import monotonic

LIMIT = 256 << 20  # bytes; StreamMaxLength in clamd's configuration says the same
_PIECE = 1 << 20  # bytes per INSTREAM chunk
_ANSWER = 4096  # bytes
_LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Verdict:
    """`status` 200 is clean; 422 found (`code` is the signature); else `code` says why it is unknown."""

    status: int
    code: str = ""


CLEAN = Verdict(200)
AWAY, LATE = Verdict(503, "away"), Verdict(504, "late")
TOO_LARGE, MISSING = Verdict(413, "too_large"), Verdict(404, "missing")


def scan_bytes(where: Path, data: bytes, seconds: float) -> Verdict:
    """Let clamd look at `data`; never raises for what clamd does or fails to do."""
    if len(data) > LIMIT:
        return TOO_LARGE

    def send(said: _Conversation) -> None:
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            said.send(_LENGTH.pack(len(piece)) + piece)

    return _converse(where, seconds, send)


def scan_file(where: Path, descriptor: int, seconds: float) -> Verdict:
    """Let clamd look at an open file; its bytes go from the page cache to the socket, not through us."""
    size = os.fstat(descriptor).st_size
    if size > LIMIT:
        return TOO_LARGE

    def send(said: _Conversation) -> None:
        for at in range(0, size, _PIECE):
            said.send_piece(descriptor, at, min(_PIECE, size - at))

    return _converse(where, seconds, send)


class _Conversation:
    """A connection to clamd, with the time that one scan may take."""

    def __init__(self, link: socket.socket, seconds: float) -> None:
        self._link = link
        self._until = monotonic() + seconds

    def link(self) -> socket.socket:
        """Return the connection, which now waits no longer than the whole scan may still take."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        self._link.settimeout(left)
        return self._link

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self.link().sendall(data)

    def send_piece(self, descriptor: int, at: int, length: int) -> None:
        """Send `length` bytes of an open file as one chunk."""
        self.send(_LENGTH.pack(length))
        with open(descriptor, "rb", closefd=False) as file:
            if self.link().sendfile(file, at, length) != length:
                raise ConnectionError("the file became shorter")

    def finish(self) -> Verdict:
        """Say that all has been sent and return the verdict."""
        self.send(_LENGTH.pack(0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < _ANSWER:
            data = self.link().recv(_ANSWER)
            if not data:
                break
            answer += data
        return understood(answer)


def _converse(where: Path, seconds: float, send: Callable[[_Conversation], None]) -> Verdict:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        said = _Conversation(link, seconds)
        try:
            said.link().connect(str(where))
            said.send(b"zINSTREAM\0")
            send(said)
            return said.finish()
        except TimeoutError:
            return LATE
        except (BrokenPipeError, ConnectionResetError):
            # clamd hangs up on what is over its limits; its reason may still lie there.
            return _last_words(link)
        except OSError:
            return AWAY


def _last_words(link: socket.socket) -> Verdict:
    try:
        return understood(link.recv(_ANSWER))
    except OSError:
        return AWAY


def understood(answer: bytes) -> Verdict:
    """Return what clamd's answer to INSTREAM means; what it does not say plainly is not clean."""
    said = answer.rstrip(b"\0\n").decode("ascii", "replace")
    if said == "stream: OK":
        return CLEAN
    if said.startswith("stream: ") and said.endswith(" FOUND"):
        name = said[len("stream: ") : -len(" FOUND")]
        if name.startswith("Heuristics.Limits.Exceeded"):
            return TOO_LARGE
        # It goes on in a frame, whose texts are printable ASCII.
        return Verdict(422, "".join(c if " " < c <= "~" else "?" for c in name)[:200])
    return TOO_LARGE if "size limit exceeded" in said else AWAY
