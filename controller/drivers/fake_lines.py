"""What the fake hypervisor's guests show and say: a screen that greets, a serial line that echoes."""

import contextlib
import os
import queue
import socket
import threading
from pathlib import Path

GREETING = b"RFB 003.008\n"
"""The first words of VNC (RFC 6143, 7.1.1)."""


class Echo:
    """A serial line: what is typed comes back; implements `Serial`."""

    def __init__(self) -> None:
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._rest = b""
        self._ended = False

    def read(self, limit: int = 65536) -> bytes:
        """See `Serial.read`."""
        if not self._rest and not self._ended:
            self._rest = self._said.get()
            self._ended = not self._rest
        given, self._rest = self._rest[:limit], self._rest[limit:]
        return given

    def write(self, data: bytes) -> None:
        """See `Serial.write`."""
        if data:
            self._said.put(data)

    def close(self) -> None:
        """See `Serial.close`."""
        self._said.put(b"")


class Screen:
    """A Unix socket that greets like a VNC server and then holds the line until the caller ends it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        self._door = socket.socket(socket.AF_UNIX)
        # Through a descriptor of its folder: a socket's path may have 107 bytes only.
        folder = os.open(path.parent, os.O_PATH)
        try:
            self._door.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        self._door.listen()
        threading.Thread(target=self._serve, name="fake-screen", daemon=True).start()

    def close(self) -> None:
        """Take the socket away."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=_greet, args=(line,), name="fake-vnc", daemon=True).start()


def _greet(line: socket.socket) -> None:
    with line, contextlib.suppress(OSError):
        line.sendall(GREETING)
        while line.recv(4096):
            pass
