"""The journal's files: which there are, where they begin, how they are read and their room is reserved."""

import ctypes
import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from network.gateway.records import GENESIS, SEGMENT_HEAD, JournalBroken, split
from network.gateway.vault import Vault

_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE: blocks beyond the file's end
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_OFFERED = (errno.EOPNOTSUPP, errno.ENOSYS)
_libc = ctypes.CDLL(None, use_errno=True)


class NoRoom(Exception):
    """The file system has no room for these blocks."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record's payload lies: file, byte offset, length; the body stays in the file."""

    segment: Path
    at: int
    size: int
    number: int
    key: bytes
    vault: Vault | None

    def read(self) -> bytes:
        """Return the body's text; the record must have been committed. Raises `BodySealed`."""
        descriptor = os.open(self.segment, os.O_RDONLY | os.O_CLOEXEC)
        try:
            payload = os.pread(descriptor, self.size, self.at)
        finally:
            os.close(descriptor)
        if len(payload) != self.size:
            raise JournalBroken(number=self.number, why=f"{self.segment.name} ends before it")
        told, stored = split(payload)
        if not stored or self.vault is None:
            return b""
        return self.vault.open(self.key, self.number, told, stored)


def anchor_file(folder: Path) -> Path:
    """Return where the anchor of the journal in `folder` lies: beside it, where only root writes."""
    return folder.with_name(folder.name + ".anchor")


def start_file(folder: Path) -> Path:
    """Return where root notes from which record on the guard has to read; only a shortening."""
    return folder.with_name(folder.name + ".start")


def beginning(folder: Path) -> tuple[int, bytes]:
    """Return number and hash of the record before the first one that is kept: 0 and zeros, or the anchor's.

    Only `examine` checks the anchor's signatures. Raises `JournalBroken`.
    """
    return _noted(anchor_file(folder)) or (0, GENESIS)


def starting(folder: Path) -> tuple[int, bytes]:
    """Return number and hash of the record before the first one that still matters to the guard."""
    return max(beginning(folder), _noted(start_file(folder)) or (0, GENESIS))


def _noted(file: Path) -> tuple[int, bytes] | None:
    try:
        head = json.loads(file.read_bytes())["head"]
        return int(head["number"]), bytes.fromhex(head["chain"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalBroken(number=1, why=f"{file.name} cannot be read") from error


def segments(folder: Path, after: int = -1) -> list[Path]:
    """Return the segment files that begin after record `after`, in order.

    By default all that are kept; what lies before the anchor is gone, or about to go.
    """
    first = (beginning(folder)[0] if after < 0 else after) + 1
    return [path for path in stored_segments(folder) if int(path.stem) >= first]


def stored_segments(folder: Path) -> list[Path]:
    """Return every segment file in order."""
    return sorted(path for path in folder.glob("*.seg") if path.stem.isdecimal())


def content(path: Path) -> bytes:
    """Return a segment's bytes; anything but a plain file is damage. Raises `JournalBroken`."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise JournalBroken(number=int(path.stem), why="its file is a link") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise JournalBroken(number=int(path.stem), why="its file is not a plain one")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read()
    finally:
        os.close(descriptor)


def start_of(data: bytes) -> tuple[int, bytes]:
    """Return number of the first record and the hash before it, as a segment itself says."""
    if len(data) < SEGMENT_HEAD.size:
        return 0, GENESIS
    _, number, before, _ = SEGMENT_HEAD.unpack_from(data)
    return int(number), bytes(before)


def reserve(descriptor: int, size: int) -> None:
    """Reserve blocks for the file's first `size` bytes without making it longer; raises `NoRoom`."""
    size_of, offset = ctypes.c_int64(size), ctypes.c_int64(0)
    while _libc.fallocate(descriptor, _KEEP_SIZE, offset, size_of) != 0:
        number = ctypes.get_errno()
        if number == errno.EINTR:
            continue
        if number in NO_ROOM:
            raise NoRoom
        if number in _NOT_OFFERED:  # then a full disk ends the guard, which starts again
            return
        raise OSError(number, os.strerror(number))


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
