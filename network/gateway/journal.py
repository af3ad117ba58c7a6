"""The journal's writer: appends, makes a whole group durable at once, recovers after a crash."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.clock import iso
from network.gateway.records import (
    GENESIS,
    SEGMENT_HEAD,
    Facts,
    JournalBroken,
    Record,
    Torn,
    encode,
    read_segment,
    segment_head,
)

SEGMENT_LIMIT = 8 << 20  # bytes; a new file is begun beyond it


@dataclass(frozen=True)
class Place:
    """Where a record's body lies: file, byte offset, length."""

    segment: Path
    at: int
    size: int

    def read(self) -> bytes:
        """Return the body; it must have been committed."""
        descriptor = os.open(self.segment, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, self.size, self.at)
        finally:
            os.close(descriptor)
        if len(data) != self.size:
            raise JournalBroken(number=0, why=f"{self.segment.name} ends before byte {self.at}")
        return data


@dataclass(frozen=True)
class Written:
    """A record with the place of its body."""

    record: Record
    place: Place


def segments(folder: Path) -> list[Path]:
    """Return the segment files in order."""
    return sorted(folder.glob("*.seg"))


class Journal:
    """The guard's only memory. Nothing may leave the guard before `commit` has returned."""

    def __init__(self, folder: Path, *, segment_limit: int = SEGMENT_LIMIT) -> None:
        self._folder = folder
        self._limit = segment_limit
        self._number, self._hash = 0, GENESIS
        self._path: Path | None = None
        self._file, self._size = -1, 0
        self._waiting = bytearray()

    def recover(self) -> Iterator[Written]:
        """Yield every record from the first on, then be ready to append.

        A short end left by a crash is set aside in `torn-<number>.bin`, cut off, and said in a
        record of its own; damage anywhere else raises `JournalBroken`.
        """
        paths = segments(self._folder)
        torn = 0
        for path in paths:
            if torn:
                raise JournalBroken(number=self._number + 1, why="a segment ends inside a record")
            data = path.read_bytes()
            try:
                for record in read_segment(data, self._number + 1, self._hash):
                    self._number, self._hash = record.number, record.hash
                    yield Written(record, Place(path, record.body_at, len(record.body)))
            except Torn as tear:
                torn = self._cut(path, data, tear.at)
        if paths and paths[-1].exists():
            self._open(paths[-1])
        if torn:
            self.append(Facts(event="recovered", note=f"{torn} bytes of an unfinished write"))
            self.commit()

    def _cut(self, path: Path, data: bytes, at: int) -> int:
        rest = data[at:]
        aside = self._folder / f"torn-{self._number + 1:016d}.bin"
        aside.write_bytes(rest)
        if at < SEGMENT_HEAD.size:  # not even its head was whole
            path.unlink()
        else:
            os.truncate(path, at)
        self._sync_folder()
        return max(len(rest), 1)

    def append(self, facts: Facts, body: bytes = b"") -> Written:
        """Add a record to the group in the making; its time is set here."""
        if self._file < 0 or self._size > self._limit:
            self._begin()
        stamped = replace(facts, at=iso())
        number = self._number + 1
        data, own = encode(number, self._hash, stamped, body)
        end = self._size + len(data)
        record = Record(number, stamped, body, own, end - len(own) - len(body), end)
        self._waiting += data
        self._number, self._hash, self._size = number, own, end
        assert self._path is not None  # noqa: S101 - `_begin` has set it
        return Written(record, Place(self._path, record.body_at, len(body)))

    def commit(self) -> None:
        """Make every appended record durable: one write, one fdatasync."""
        if not self._waiting:
            return
        rest = memoryview(bytes(self._waiting))
        self._waiting.clear()
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fdatasync(self._file)

    @property
    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last record."""
        return self._number, self._hash

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self) -> None:
        self.close()
        path = self._folder / f"{self._number + 1:016d}.seg"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._path, self._size = path, SEGMENT_HEAD.size
        self._waiting += segment_head(self._number + 1, self._hash)
        self._sync_folder()

    def _open(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._path, self._size = path, path.stat().st_size
        # Written, but cut off before its fdatasync: what was just read back is perhaps not on the disk.
        os.fdatasync(self._file)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
