"""TLS between a socket and a door or a call, the upper half: records, as an asyncio transport."""

import asyncio
from typing import Any

from OpenSSL import SSL

from network.gateway.suites import Agreed

_SLICE = 65536  # bytes encrypted at a time, so that a large answer delays no small one
_HIGH = 4 * _SLICE  # bytes that wait for encryption before the writer is asked to pause


class Line(asyncio.Transport):
    """What the door or the call sees of a secured connection; `raw` is the socket's own transport."""

    def __init__(
        self,
        raw: asyncio.Transport,
        connection: SSL.Connection,
        inner: asyncio.Protocol,
        agreed: Agreed,
    ) -> None:
        super().__init__()
        self.raw, self._connection, self._inner, self._agreed = raw, connection, inner, agreed
        self._unsent = bytearray()
        self._paused = self._full = self._told = False
        self._pumping = self._ending = self._ended = self._closing = False
        self.gone = False
        self.heard_all = False  # the peer said that nothing more will come

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give the certificate's `fingerprint`, what was `agreed`, and what the socket knows."""
        if name == "fingerprint":
            return self._agreed.fingerprint
        return self._agreed if name == "agreed" else self.raw.get_extra_info(name, default)

    # Reading

    def read(self) -> None:
        """Give the inner protocol what can be decrypted now."""
        while not (self._paused or self.gone or self.heard_all):
            try:
                data = self._connection.recv(_SLICE)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self.heard_all = True
                if not self._inner.eof_received():
                    self.close()
            except SSL.Error:
                self.abort()
                return
            else:
                self._inner.data_received(data)
        self._flush()

    def is_reading(self) -> bool:
        """See `asyncio.ReadTransport`."""
        return not self._paused

    def pause_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        self._paused = True
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        """Read on, first what was decrypted and kept."""
        if self._paused and not self.gone:
            self._paused = False
            self.raw.resume_reading()
            asyncio.get_running_loop().call_soon(self.read)

    # Writing

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        """Encrypt and send; a large piece goes in slices between other connections' turns."""
        if self._closing or self._ending or self.gone:
            return
        self._unsent += data
        if not self._pumping:
            self._pump()
        if len(self._unsent) > _HIGH and not self._told:
            self._told = True
            self._inner.pause_writing()

    def write_eof(self) -> None:
        """Say that nothing more will come, and go on reading."""
        self._ending = True
        if not self._unsent:
            self._end()

    def can_write_eof(self) -> bool:
        """See `asyncio.WriteTransport`."""
        return True

    def get_write_buffer_size(self) -> int:
        """Bytes not yet given to the kernel."""
        return len(self._unsent) + self.raw.get_write_buffer_size()

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._closing or self.raw.is_closing()

    def close(self) -> None:
        """End in good order, after what was written."""
        self._closing = True
        if not self._unsent:
            self._end()
            self.raw.close()

    def abort(self) -> None:
        """End at once."""
        self._closing = True
        self._unsent.clear()
        self.raw.abort()

    def lost(self) -> None:
        """The socket is gone."""
        self.gone = True
        self._unsent.clear()

    def choke(self, *, full: bool) -> None:
        """Stop or go on encrypting, as the socket can or cannot take more."""
        self._full = full
        if full and not self._told:
            self._told = True
            self._inner.pause_writing()
        elif not full and not self._pumping:
            self._pump()

    def _pump(self) -> None:
        self._pumping = False
        if self.gone:
            return
        if self._unsent:
            part = bytes(self._unsent[:_SLICE])
            del self._unsent[: len(part)]
            try:
                self._connection.sendall(part)  # pyOpenSSL sends one record at a time otherwise
            except SSL.Error:
                self.abort()
                return
            self._flush()
        if self._unsent and not self._full:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)
        elif not self._unsent:
            self._emptied()

    def _emptied(self) -> None:
        if self._told and not self._full:
            self._told = False
            self._inner.resume_writing()
        if self._ending or self._closing:
            self._end()
        if self._closing:
            self.raw.close()

    def _end(self) -> None:
        if not (self._ended or self.gone):
            self._ended = True
            try:
                self._connection.shutdown()
            except SSL.Error:
                return
            self._flush()

    def _flush(self) -> None:
        out = drained(self._connection)
        if out and not self.gone:
            self.raw.write(out)


def drained(connection: SSL.Connection) -> bytes:
    """Take what the connection wants sent."""
    parts = []
    while True:
        try:
            parts.append(connection.bio_read(_SLICE + 1024))
        except SSL.WantReadError:
            return b"".join(parts)
