"""What runs on the node itself, sent over as one program: surveys and overwrites a folder's volume files.

Only Python's own library is used, and nothing of ours: the text of this file is piped into `python3 -`
on whichever node holds the files, so that a node needs no version of the box that fits ours.
"""

import fcntl
import hashlib
import json
import os
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PIECE = 1024 * 1024
_BLOCK = 65536
_SAMPLES = 256  # pieces of the file that are read back and compared
_QCOW2 = b"QFI\xfb"
# QEMU holds byte-range locks on these bytes of an open image (its block/file-posix.c).
_QEMU_LOCKS = (100, 200)


def survey(root: Path) -> list[dict[str, object]]:
    """Return for each file below `root`: path, virtual size and allocated size (bytes), backing file."""
    return [found for path in sorted(root.glob("*/*")) if (found := _look(path, root))]


def _look(path: Path, root: Path) -> dict[str, object] | None:
    try:
        if path.is_symlink() or not path.is_file():
            return None
        facts = path.stat()
        taken = facts.st_blocks * 512
        return {"path": str(path.relative_to(root)), "taken": taken, **_header(path, facts)}
    except FileNotFoundError:  # renamed or removed meanwhile
        return None


def overwrite(path: Path, seed: str, start: int, seconds: float) -> dict[str, object]:
    """Overwrite the file's allocated bytes from `start` on with a pattern made from `seed`, for a while.

    The file is renamed first, so that nobody opens what is half erased, and removed last. Returns how
    far it came (`next`, -1 at the end), how many bytes it wrote, and at the end whether what is read
    back is the pattern. `busy`: a running QEMU has the file open, nothing was done. `gone`: no such file.
    """
    doomed = path.with_name(f".{path.name}.erasing")
    try:
        descriptor = os.open(path if path.exists() else doomed, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {"gone": True}
    try:
        if not _free(descriptor):
            return {"busy": True}
        if path.exists():
            path.rename(doomed)
        turn = _turn(descriptor, _pattern(seed), start, time.monotonic() + seconds)
    finally:
        os.close(descriptor)
    if turn["next"] == -1:
        doomed.unlink()
    return turn


def _turn(descriptor: int, pattern: bytes, start: int, end: float) -> dict[str, object]:
    written = 0
    for offset, length in _pieces(descriptor, start):
        if written and time.monotonic() > end:
            return {"next": offset, "bytes": written}
        _write(descriptor, _cut(pattern, offset, length), offset)
        written += length
    os.fsync(descriptor)
    return {"next": -1, "bytes": written, "verified": _reads_back(descriptor, pattern)}


def _header(path: Path, facts: os.stat_result) -> dict[str, object]:
    with path.open("rb") as file:
        head = file.read(72)
        if len(head) < 72 or head[:4] != _QCOW2:
            return {"size": facts.st_size, "backing": ""}
        backing, length = struct.unpack(">QI", head[8:20])
        file.seek(backing)
        name = file.read(min(length, 1023)) if backing else b""
    return {"size": struct.unpack(">Q", head[24:32])[0], "backing": name.decode("utf-8", "replace")}


def _pattern(seed: str) -> bytes:
    parts = (hashlib.sha256(f"{seed}{n}".encode()).digest() for n in range(_BLOCK // 32))
    return b"".join(parts) * (PIECE // _BLOCK + 1)


def _cut(pattern: bytes, offset: int, length: int) -> bytes:
    begin = offset % _BLOCK
    return pattern[begin : begin + length]


def _free(descriptor: int) -> bool:
    try:
        for first in _QEMU_LOCKS:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, first)
    except OSError:
        return False
    return True


def _pieces(descriptor: int, start: int) -> Iterator[tuple[int, int]]:
    """Yield (offset, length) of what the file system holds of the file: holes have nothing to erase."""
    size, offset = os.fstat(descriptor).st_size, start
    while offset < size:
        try:
            offset = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        hole = os.lseek(descriptor, offset, os.SEEK_HOLE)
        while offset < hole:
            length = min(PIECE, hole - offset)
            yield offset, length
            offset += length


def _write(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        done = os.pwrite(descriptor, data, offset)
        data, offset = data[done:], offset + done


def _reads_back(descriptor: int, pattern: bytes) -> bool:
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # from the disk, not from memory
    pieces = list(_pieces(descriptor, 0))
    every = len(pieces) // _SAMPLES + 1
    return all(
        os.pread(descriptor, length, offset) == _cut(pattern, offset, length)
        for offset, length in {*pieces[::every], *pieces[-1:]}
    )


def do(words: Sequence[str]) -> object:
    """Do one thing: `survey ROOT`, or `erase FILE SEED START SECONDS`; return its outcome."""
    if words[0] == "survey":
        return survey(Path(words[1]))
    return overwrite(Path(words[1]), words[2], int(words[3]), float(words[4]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(do(sys.argv[1:])))
