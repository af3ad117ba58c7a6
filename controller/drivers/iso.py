"""Writes a small ISO 9660 image with Joliet names (ECMA-119): a pure function from files to bytes.

A guest's first-boot data is three short files; a program that makes images, its scratch folder and its
clean-up took ten times as long as the writing. Names are those of Joliet (UCS-2, up to 64 characters),
which every Linux and Windows reads; larger images are xorriso's.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.errors import BadInput

_SECTOR = 2048
_TABLES, _ROOTS, _DATA = 19, 23, 25  # sectors: path tables, root directories, the first file
_EPOCH = bytes((100, 1, 1, 0, 0, 0, 0))  # 2000-01-01: the same files make the same image
_NEVER = b"0" * 16 + b"\0"
_MOST_NAME = 64


@dataclass(frozen=True)
class _File:
    """One file's two names, where it lies, and how long it is in bytes."""

    plain: bytes
    joliet: bytes
    sector: int
    size: int


def image(label: str, files: Mapping[str, bytes]) -> bytes:
    """Return the image: volume label `label` (at most 16 ASCII characters), files in its root.

    Raises `BadInput` for names that cannot be written, and where the root would pass one sector.
    """
    if not label.isascii() or not 0 < len(label) <= 16:
        raise BadInput(what="iso", why=f"label {label[:40]!r}")
    placed, sector = [], _DATA
    for name, content in sorted(files.items()):
        placed.append(_File(_plain(name), _joliet(name), sector, len(content)))
        sector += _sectors(len(content))
    if len({file.plain for file in placed}) != len(placed):
        raise BadInput(what="iso", why="two names are one in capitals")
    head = b"".join(
        (
            bytes(16 * _SECTOR),
            _descriptor(1, label.encode().ljust(32), sector, 0),
            _descriptor(2, label.encode("utf-16-be").ljust(32, b"\0"), sector, 1),
            _padded(b"\xffCD001\x01"),
            *(_path_table(root, order) for root in (_ROOTS, _ROOTS + 1) for order in "<>"),
            _directory(_ROOTS, [(file.plain, file) for file in placed]),
            _directory(_ROOTS + 1, [(file.joliet, file) for file in placed]),
        )
    )
    return head + b"".join(_padded(content) for _, content in sorted(files.items()))


def _descriptor(kind: int, label: bytes, sectors: int, which: int) -> bytes:
    """Write a volume descriptor (ECMA-119, 8.4 and 8.5): the primary one, or Joliet's."""
    joliet = kind == 2
    blank = b"\0" if joliet else b" "
    root = _ROOTS + which
    table = _TABLES + 2 * which
    told = b"".join(
        (
            bytes((kind,)),
            b"CD001\x01\0",
            blank * 32,
            label,
            bytes(8),
            _both("I", sectors),
            b"%/E".ljust(32, b"\0") if joliet else bytes(32),
            _both("H", 1) + _both("H", 1) + _both("H", _SECTOR) + _both("I", 10),
            struct.pack("<II", table, 0),
            struct.pack(">II", table + 1, 0),
            _record(b"\0", root, _SECTOR, folder=True),
            blank * 128 * 4,
            blank * 37 * 3,
            _NEVER * 4,
            b"\x01\0",
        )
    )
    return _padded(told)


def _path_table(root: int, order: str) -> bytes:
    return _padded(struct.pack(f"{order}BBIHBB", 1, 0, root, 1, 0, 0))


def _directory(sector: int, entries: list[tuple[bytes, _File]]) -> bytes:
    own = _record(b"\0", sector, _SECTOR, folder=True) + _record(
        b"\x01", sector, _SECTOR, folder=True
    )
    held = b"".join(
        _record(name, file.sector, file.size) for name, file in sorted(entries, key=lambda e: e[0])
    )
    if len(own + held) > _SECTOR:
        raise BadInput(what="iso", why="too many files for one sector of names")
    return _padded(own + held)


def _record(name: bytes, sector: int, size: int, *, folder: bool = False) -> bytes:
    """Write a directory record (ECMA-119, 9.1); its length is even."""
    told = b"".join(
        (
            b"\0",
            _both("I", sector),
            _both("I", size),
            _EPOCH,
            b"\x02" if folder else b"\0",
            b"\0\0",
            _both("H", 1),
            bytes((len(name),)),
            name,
            b"" if len(name) % 2 else b"\0",
        )
    )
    return bytes((len(told) + 1,)) + told


def _both(form: str, value: int) -> bytes:
    return struct.pack(f"<{form}", value) + struct.pack(f">{form}", value)


def _plain(name: str) -> bytes:
    """Return the name that a reader without Joliet sees: capitals, digits, underscores."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.upper())
    return f"{kept[:28]}.;1".encode()


def _joliet(name: str) -> bytes:
    bad = not 0 < len(name) <= _MOST_NAME or any(c in '*/:;?\\"' or ord(c) < 32 for c in name)
    if bad or any(ord(c) > 0xFFFF or 0xD800 <= ord(c) < 0xE000 for c in name):
        raise BadInput(what="iso", why=f"file name {name[:80]!r}")
    return name.encode("utf-16-be")


def _sectors(size: int) -> int:
    return -(-size // _SECTOR)


def _padded(data: bytes) -> bytes:
    return data.ljust(_sectors(len(data)) * _SECTOR, b"\0")
