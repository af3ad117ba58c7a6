"""The outer form of a bundle: a tar that has exactly one byte form for its members.

Every header is compared with the one this module itself would write, paddings must be zero and the
end mark must be the end; so two files with the same members are the same file, and nothing can hide
in owners, modes, times, extended headers, gaps or behind the end.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from appliance.sdk.errors import (
    BadPath,
    BundleTooLarge,
    CutShort,
    Duplicate,
    Malformed,
    NotAFile,
    TrailingData,
)

_BLOCK = 512
_CHUNK = 1 << 20
_MEMBERS = 200
_END = bytes(2 * _BLOCK)
_NAME = re.compile(
    r"module\.toml|digests\.json|signature\.json"
    r"|payload/[a-z][a-z0-9-]{1,31}\.service"
    r"|payload/wheels/[A-Za-z0-9_.+]+(-[A-Za-z0-9_.+!]+){4,5}\.whl"
)
# Sizes in bytes; wheels are bounded by the limit of the whole bundle.
_SIZES = {"module.toml": 1 << 18, "digests.json": 1 << 18, "signature.json": 1 << 12}
_UNIT_SIZE = 1 << 16


@dataclass(frozen=True)
class Member:
    """One member: name, size in bytes, where its content starts, and its SHA-256 as hex."""

    name: str
    size: int
    offset: int
    sha256: str


@dataclass(frozen=True)
class Walked:
    """What a bundle holds, in file order, and the SHA-256 of the whole file."""

    members: tuple[Member, ...]
    sha256: str
    size: int

    def named(self, name: str) -> Member | None:
        """Return the member of that name, if any."""
        return next((m for m in self.members if m.name == name), None)


def rank(name: str) -> tuple[int, str]:
    """Return the sort key that gives the one allowed order of members."""
    if name.startswith("payload/wheels/"):
        return (1, name)
    fixed = {"module.toml": 0, "digests.json": 3, "signature.json": 4}
    return (fixed.get(name, 2), name)


def write(members: Iterable[tuple[str, bytes]], out: Path) -> None:
    """Write `members` (name, content) to `out` in the allowed order; raises `BadPath`, `Duplicate`."""
    listed = sorted(members, key=lambda member: rank(member[0]))
    seen: set[str] = set()
    with out.open("wb") as file:
        for name, content in listed:
            _check_name(name, seen)
            file.write(_header(name, len(content)))
            file.write(content)
            file.write(bytes(-len(content) % _BLOCK))
        file.write(_END)


def walk(path: Path, limit: int) -> Walked:
    """Read the bundle at `path` (at most `limit` bytes) once, strictly; raises the errors above."""
    if path.stat().st_size > limit:
        raise BundleTooLarge(what="模块包 bundle", limit=limit)
    with path.open("rb") as file:
        reader = _Reader(file)
        members = tuple(_members(reader))
        reader.finish()
    if [m.name for m in members] != sorted((m.name for m in members), key=rank):
        raise Malformed(why_zh="成员顺序不对", why_en="members are not in the fixed order")
    return Walked(members, reader.hash.hexdigest(), reader.at)


def content(path: Path, member: Member) -> bytes:
    """Return the content of a member that `walk` found."""
    with path.open("rb") as file:
        file.seek(member.offset)
        return file.read(member.size)


class _Reader:
    """Reads a file front to back, hashing all it reads and never beyond its end unnoticed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = hashlib.sha256()
        self.at = 0

    def take(self, size: int) -> bytes:
        data = self._file.read(size)
        self.at += len(data)
        if len(data) < size:
            raise CutShort(at=self.at)
        self.hash.update(data)
        return data

    def digest(self, size: int) -> str:
        inner = hashlib.sha256()
        while size:
            chunk = self.take(min(size, _CHUNK))
            inner.update(chunk)
            size -= len(chunk)
        return inner.hexdigest()

    def finish(self) -> None:
        if self.take(_BLOCK) != bytes(_BLOCK):
            raise Malformed(why_zh="结尾标记不对", why_en="the end mark is broken")
        if self._file.read(1):
            raise TrailingData


def _members(reader: _Reader) -> Iterator[Member]:
    seen: set[str] = set()
    while (block := reader.take(_BLOCK)) != bytes(_BLOCK):
        name, size = _read_header(block, seen)
        offset = reader.at
        digest = reader.digest(size)
        if any(reader.take(-size % _BLOCK)):
            raise Malformed(why_zh="填充字节不为零", why_en="padding is not zero")
        yield Member(name, size, offset, digest)


def _read_header(block: bytes, seen: set[str]) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise Malformed(why_zh="成员头损坏", why_en="a member header is broken") from error
    if not info.isreg():
        raise NotAFile(name=_shown(info.name))
    _check_name(info.name, seen)
    if info.size > _SIZES.get(info.name, _UNIT_SIZE if info.name.endswith(".service") else 1 << 40):
        raise BundleTooLarge(what=info.name, limit=_SIZES.get(info.name, _UNIT_SIZE))
    if _header(info.name, info.size) != block:
        raise Malformed(why_zh="成员头不是规定形式", why_en="a header is not in its one form")
    return info.name, info.size


def _check_name(name: str, seen: set[str]) -> None:
    if not _NAME.fullmatch(name):
        raise BadPath(name=_shown(name))
    if name in seen:
        raise Duplicate(name=name)
    seen.add(name)
    if len(seen) > _MEMBERS:
        raise BundleTooLarge(what="模块包成员数 number of members", limit=_MEMBERS)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info.tobuf(tarfile.USTAR_FORMAT)


def _shown(name: str) -> str:
    return ascii(name[:120])
