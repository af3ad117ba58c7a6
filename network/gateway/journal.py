"""The journal's writer: appends, makes a whole group durable at once, recovers after a crash.

Blocks are reserved ahead of every record, so a full disk is known before anything has changed.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import iso, monotonic
from appliance.errors import Failed, Text
from network.gateway.records import (
    SEGMENT_HEAD,
    Facts,
    JournalBroken,
    Record,
    Torn,
    encode,
    read_segment,
    segment_head,
    size_of,
    sm3,
    stamped,
    tell,
)
from network.gateway.refusals import JournalFull
from network.gateway.segments import (
    NO_ROOM,
    NoRoom,
    Place,
    content,
    reserve,
    segments,
    starting,
    sync_folder,
)
from network.gateway.vault import ID_SIZE, BadJournalKey, Vault

SEGMENT_LIMIT = 8 << 20  # bytes; a new file is begun beyond it
SPARE = 1 << 20  # bytes kept for the outcomes of what is under way when the disk is full
_AGAIN = 1.0  # seconds before a full disk is asked again
_NO_KEY = bytes(ID_SIZE)


class JournalLost(Failed):
    """The file system took a write and did not keep it: the guard ends and reads what there is."""

    code = "gateway.journal_lost"
    text = Text("交换日志写入失败：{why}", "The journal could not be written: {why}")
    hint = Text("请检查磁盘。", "Look at the disk.")


@dataclass(frozen=True, slots=True)
class Written:
    """A record with the place of its body."""

    record: Record
    place: Place


class Journal:
    """The guard's only memory. Nothing may leave the guard before `commit` has returned.

    `full` says that the disk had no room for messages when it was last asked.
    """

    def __init__(
        self,
        folder: Path,
        vault: Vault | None = None,
        *,
        segment_limit: int = SEGMENT_LIMIT,
        spare: int = SPARE,
    ) -> None:
        self._folder, self._vault = folder, vault
        self._limit, self._spare = segment_limit, spare
        self._number, self._hash = starting(folder)
        self._path = folder
        self._file, self._size, self._room = -1, 0, 0
        self._waiting = bytearray()
        self._first = True  # whether all that was appended before is durable
        self._owed: list[Facts] = []
        self._retry = 0.0
        self.full = False

    def recover(self) -> Iterator[Written]:
        """Yield every record from the first that still matters on, then be ready to append.

        A short end left by a crash is set aside in `torn-<number>.bin`, cut off, and said in a
        record of its own; damage anywhere else raises `JournalBroken`.
        """
        if self._vault is not None:
            self._vault.reopen()
        torn, last, key = 0, None, _NO_KEY
        for path in segments(self._folder, self._number):
            if torn:
                raise JournalBroken(number=self._number + 1, why="a segment ends inside a record")
            data = content(path)
            try:
                for record in read_segment(data, self._number + 1, self._hash):
                    self._number, self._hash = record.number, record.hash
                    yield self._written(path, record)
                    last, key = path, record.key
            except Torn as tear:
                torn = self._cut(path, data, tear.at)
        if last is not None:
            self._open(last, key)
        if torn:
            self.owe(Facts(event="recovered", note=f"{torn} bytes of an unfinished write"))
            self.commit()

    def _cut(self, path: Path, data: bytes, at: int) -> int:
        rest = data[at:]
        aside = self._folder / f"torn-{self._number + 1:016d}.bin"
        try:
            aside.write_bytes(rest)
        except OSError:  # a full disk; nobody was told that these bytes were kept
            aside.unlink(missing_ok=True)
        if at == 0:
            path.unlink()
        else:
            os.truncate(path, at)
        sync_folder(self._folder)
        return max(len(rest), 1)

    def append(self, facts: Facts, body: bytes = b"") -> Written:
        """Add a record to the group in the making; its time is set here, if it has none yet.

        Raises `JournalFull`, and then nothing has changed. Records without a body may use room that
        is kept for them, `refused` ones half of it.
        """
        self._pay()
        return self._append(facts if facts.at else stamped(facts, iso()), body)

    def owe(self, facts: Facts) -> None:
        """Add a record without a body, now or as soon as there is room."""
        self._owed.append(stamped(facts, iso()))
        self._pay()

    def _pay(self) -> None:
        while self._owed:
            try:
                self._append(self._owed[0], b"")
            except JournalFull:
                return
            del self._owed[0]

    def _append(self, facts: Facts, body: bytes) -> Written:
        told, number = tell(facts), self._number + 1
        keep = self._spare if body else self._spare // 2 if facts.event == "refused" else 0
        self._make_room(size_of(len(told), len(body)), keep)
        stored = self._sealed(number, told, body) if body else b""
        data, own = encode(number, self._hash, told, stored, first=self._first)
        self._first = False
        end = self._size + len(data)
        at = end - len(own) - len(told) - len(stored) - 2
        record = Record(number, facts, told, stored, own, at, end, self._key)
        self._waiting += data
        self._number, self._hash, self._size = number, own, end
        return self._written(self._path, record)

    def _sealed(self, number: int, told: bytes, body: bytes) -> bytes:
        if self._vault is None:
            raise BadJournalKey(why="a body cannot be stored without a key")
        return self._vault.seal(number, told, body)

    def mark(self, data: bytes) -> str:
        """Return a name of `data` that tells nothing about it to who has no key."""
        if self._vault is None:
            raise BadJournalKey(why="nothing can be named without a key")
        return self._vault.mark(data)

    def commit(self) -> None:
        """Make every appended record durable: one write, one fdatasync. Raises `JournalLost`."""
        if not self._waiting:
            return
        rest = memoryview(bytes(self._waiting))
        self._waiting.clear()
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fdatasync(self._file)
        except OSError as error:
            raise JournalLost(why=os.strerror(error.errno or 0)) from error
        self._first = True

    @property
    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last record."""
        return self._number, self._hash

    def close(self) -> None:
        """Commit and let go of the file and of the room reserved behind it."""
        self.commit()
        if self._file >= 0:
            os.ftruncate(self._file, self._size)
            os.close(self._file)
            self._file = -1

    # Room

    @property
    def _key(self) -> bytes:
        return self._vault.ident if self._vault else _NO_KEY

    def _make_room(self, size: int, keep: int) -> None:
        if self._size + size <= self._room - self._spare:
            return
        if monotonic() >= self._retry and self._extended(size):
            return
        if self._size + size + keep > self._room:
            raise JournalFull(why="no room on its disk")

    def has_room(self) -> bool:
        """Whether messages can be stored now; a full disk is asked again once a second."""
        if self.full and monotonic() >= self._retry and self._extended(0):
            self._pay()
        return not self.full

    def _extended(self, size: int) -> bool:
        try:
            if self._file >= 0 and self._size + size <= self._limit:
                self._reserve(self._file, self._limit)
            else:
                self._begin(size)
        except NoRoom:
            self.full, self._retry = True, monotonic() + _AGAIN
            return False
        if self.full:
            self.full = False
            self._owed.append(Facts(event="recovered", at=iso(), note="its disk has room again"))
        return True

    def _reserve(self, descriptor: int, size: int) -> None:
        reserve(descriptor, size + self._spare)
        self._room = size + self._spare

    def _begin(self, size: int) -> None:
        self.commit()  # no file may follow one that a crash can still tear
        path = self._folder / f"{self._number + 1:016d}.seg"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        made, room = -1, max(self._limit, SEGMENT_HEAD.size + size) + self._spare
        try:
            made = os.open(path, flags, 0o600)
            reserve(made, room)
        except (OSError, NoRoom) as error:
            if made >= 0:
                os.close(made)
                path.unlink()
            if isinstance(error, OSError) and error.errno not in NO_ROOM:
                raise
            raise NoRoom from error
        self.close()
        head = segment_head(self._number + 1, self._hash, self._key)
        self._file, self._path, self._room = made, path, room
        self._size, self._hash = len(head), sm3(head)
        self._waiting += head
        sync_folder(self._folder)

    def _open(self, path: Path, key: bytes) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._path, self._size = path, path.stat().st_size
        # Written, but cut off before its fdatasync: what was just read back is perhaps not on the disk.
        os.fdatasync(self._file)
        if key != self._key:  # the next record begins a file of its own
            self.close()
            self._size, self._room = 0, 0
            return
        try:
            self._reserve(self._file, max(self._limit, self._size))
        except NoRoom:
            self._room, self.full = self._size, True

    def _written(self, path: Path, record: Record) -> Written:
        size = 2 + len(record.told) + len(record.stored)
        return Written(record, Place(path, record.at, size, record.number, record.key, self._vault))
