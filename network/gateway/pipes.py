"""The anonymous pipes that join the gateway's processes; root makes them, nobody else can reopen one."""

import fcntl
import os
import sys
from pathlib import Path

from appliance.errors import TooLarge

_SIZE = 1 << 20  # bytes
_SECRETS_LIMIT = 60_000  # bytes; what an untouched pipe takes without a reader

# All ways that exist: nothing joins two of the others but the guard.
WAYS = tuple(
    way for other in ("front", "back", "scan") for way in ((other, "guard"), ("guard", other))
)


class Pipes:
    """One one-way pipe for each of `WAYS`."""

    def __init__(self) -> None:
        self._pairs = {way: _pipe() for way in WAYS}

    def ends(self, name: str) -> tuple[int, ...]:
        """Return the ends of one process: read, write; for the guard so for front, back, scan."""
        others = ("front", "back", "scan") if name == "guard" else ("guard",)
        return tuple(
            end
            for other in others
            for end in (self._pairs[other, name][0], self._pairs[name, other][1])
        )

    def close(self) -> None:
        """Close every end here."""
        for pair in self._pairs.values():
            for end in pair:
                os.close(end)


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _SIZE)
    return reader, writer


def filled(data: bytes) -> int:
    """Return the read end of a pipe that holds `data` and then ends; raises `TooLarge`."""
    if len(data) > _SECRETS_LIMIT:
        raise TooLarge(what="secrets", limit=_SECRETS_LIMIT)
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return reader


def arrange(wanted: list[int]) -> None:
    """Make `wanted` the descriptors 0, 1, 2, … of this process and close all others."""
    safe = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in wanted]
    for number, descriptor in enumerate(safe):
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(len(wanted), 65536)


def output(file: Path) -> tuple[int, int]:
    """Return descriptors for standard input (nothing) and for both outputs (appended to `file`)."""
    sys.stdout.flush()
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    return os.open("/dev/null", os.O_RDONLY), log
