"""The guard's hands on files: copies an offered one for itself, bit by bit, and gives it to the far leg.

The bytes go from file to file inside the kernel; what is hashed is the guard's own copy, so that the
leg cannot change it in between.
"""

import errno
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from cryptography.hazmat.primitives.hashes import SM3, Hash

from appliance.chance import raw
from network.gateway.refusals import FileRefused, SpoolFull

CHUNK = 1 << 20  # bytes copied in one step, so that other messages pass in between
HEAD = 4096  # bytes looked at to know what a file is
_SYNC = 8  # steps between two fdatasyncs: the last one must not take long
_SPARE = 256 << 20  # bytes of the file system that stay free for the journal
_NO_RANGE = (errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EPERM)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Taken:
    """A file the guard holds: its own `name` for it, size in bytes, SM3, and its first bytes."""

    name: str
    size: int
    digest: bytes
    head: bytes


class Copying:
    """One file on its way into the guard's hands."""

    def __init__(self, source: int, target: Path, size: int) -> None:
        self.name = target.name
        self._source, self._path, self._size = source, target, size
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._target = os.open(target, flags, 0o600)
        # First the scanner reads it, later a leg: whom the folder lets in, the file lets read.
        os.fchmod(self._target, 0o644)
        self._done = self._steps = 0
        self._hash = Hash(SM3())
        self._buffer = bytearray(CHUNK)
        self._head = b""

    def step(self) -> Taken | None:
        """Copy one chunk; return the file when it is whole. Raises `FileRefused` or `SpoolFull`."""
        try:
            if self._done < self._size and self._chunk():
                return None
            self._whole()
        except OSError as error:
            self.abandon()
            if error.errno in _NO_ROOM:
                raise SpoolFull from error
            raise FileRefused(why=os.strerror(error.errno or 0)) from error
        except FileRefused:
            self.abandon()
            raise
        taken = Taken(self.name, self._done, self._hash.finalize(), self._head)
        self._close()
        return taken

    def abandon(self) -> None:
        """Let go of both files and remove the copy."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _chunk(self) -> bool:
        wanted = min(CHUNK, self._size - self._done)
        came = copy_range(self._source, self._target, wanted, self._done)
        if came == 0:
            raise FileRefused(why="it became shorter")
        os.lseek(self._target, self._done, os.SEEK_SET)
        read = os.readv(self._target, [memoryview(self._buffer)[:came]])
        if read != came:
            raise FileRefused(why="its copy is not whole")
        self._hash.update(memoryview(self._buffer)[:came])
        if not self._done:
            self._head = bytes(self._buffer[: min(came, HEAD)])
        self._done += came
        self._steps += 1
        if self._steps % _SYNC == 0:
            os.fdatasync(self._target)
        return self._done < self._size

    def _whole(self) -> None:
        if os.fstat(self._source).st_size != self._size:
            raise FileRefused(why="it changed while it was read")
        os.fsync(self._target)

    def _close(self) -> None:
        for descriptor in (self._source, self._target):
            if descriptor >= 0:
                os.close(descriptor)
        self._source = self._target = -1


def copy_range(source: int, target: int, count: int, at: int) -> int:
    """Copy up to `count` bytes at offset `at` inside the kernel; return how many, 0 at the end."""
    try:
        return os.copy_file_range(source, target, count, at, at)
    except OSError as error:
        if error.errno not in _NO_RANGE:
            raise
    # Another file system, or one that cannot: still inside the kernel.
    os.lseek(target, at, os.SEEK_SET)
    return os.sendfile(target, source, at, count)


class Spool:
    """The folders of one gateway: what legs offer, what the guard holds, what it gives out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = folder / "guard" / "held"

    def take(self, side: str, target: str, channel: str, limit: int) -> Copying:
        """Open the file that the leg of `side` offers as `/<channel>/<quoted name>`.

        No link is followed and nothing but a regular file of 1 to `limit` bytes is opened.

        Raises:
            FileRefused: it is not such a file.
            SpoolFull: there is no room for it.
        """
        folder, name = _named(target)
        if folder != channel:
            raise FileRefused(why="it lies in another channel's folder")
        source = self._opened(side, folder, name)
        try:
            size = _size(source, limit)
            self._check_room(size)
            return Copying(source, self._held / raw(16).hex(), size)
        except OSError as error:
            os.close(source)
            raise SpoolFull from error
        except (FileRefused, SpoolFull):
            os.close(source)
            raise

    def _check_room(self, size: int) -> None:
        room = os.statvfs(self._held)
        if room.f_bavail * room.f_frsize < size + _SPARE:
            raise SpoolFull

    def _opened(self, side: str, folder: str, name: str) -> int:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        steps: list[int] = []
        try:
            steps.append(os.open(self._folder / side / "out", flags | os.O_DIRECTORY))
            steps.append(os.open(folder, flags | os.O_DIRECTORY, dir_fd=steps[-1]))
            return os.open(name, flags | os.O_NONBLOCK, dir_fd=steps[-1])
        except OSError as error:
            raise FileRefused(why=os.strerror(error.errno or 0)) from error
        finally:
            for descriptor in steps:
                os.close(descriptor)

    def publish(self, name: str, side: str) -> None:
        """Move a held file to where the leg of `side` may read it, durably."""
        (self._held / name).rename(self._folder / "guard" / side / name)
        for folder in (self._held, self._folder / "guard" / side):
            _sync(folder)

    def discard(self, name: str) -> None:
        """Remove a held file that does not cross."""
        (self._held / name).unlink(missing_ok=True)

    def remove(self, name: str, side: str) -> None:
        """Remove a file that the far leg has delivered, or that nobody wants any more."""
        (self._folder / "guard" / side / name).unlink(missing_ok=True)

    def sweep(self, wanted: Collection[str]) -> int:
        """After a start: remove what no accepted message stands for; return how many files."""
        gone = 0
        for folder in (self._held, *(self._folder / "guard" / s for s in ("extranet", "intranet"))):
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name not in wanted:
                    path.unlink(missing_ok=True)
                    gone += 1
        return gone


def _named(target: str) -> tuple[str, str]:
    try:
        parts = [unquote(part, errors="strict") for part in target.split("/")]
    except UnicodeDecodeError as error:
        raise FileRefused(why="its name is not UTF-8") from error
    if len(parts) != 3 or parts[0]:
        raise FileRefused(why="it is not /<channel>/<name>")
    if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts[1:]):
        raise FileRefused(why="its name is none")
    return parts[1], parts[2]


def _size(source: int, limit: int) -> int:
    told = os.fstat(source)
    if not stat.S_ISREG(told.st_mode):
        raise FileRefused(why="not a regular file")
    if not 0 < told.st_size <= limit:
        raise FileRefused(why=f"not of 1 to {limit} bytes")
    return told.st_size


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
