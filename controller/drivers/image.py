"""Examines a foreign disk image from its bytes alone, before any program of ours opens it as an image.

Its format is decided here, once, and said to QEMU ever after: a guest can write a qcow2 header into its
raw disk, and whoever probes such a file again opens what the guest named in it (QEMU's docs/interop/qcow2.txt
has the fields; the trick is the one of CVE-2008-2004).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from controller.drivers.image_errors import (
    DamagedImage,
    EncryptedImage,
    ForeignFormat,
    ImageHasSnapshots,
    ImageTooLarge,
    NotAnImage,
    RefersElsewhere,
    TruncatedImage,
    UnknownFeature,
)

GIB = 1024**3
LIMIT_GIB = 4096
"""The largest disk that a template may promise."""

_QCOW2 = b"QFI\xfb"
_FOREIGN = (
    (0, b"KDMV", "VMDK"),
    (0, b"COWD", "VMDK"),
    (0, b"# Disk DescriptorFile", "VMDK"),
    (0, b"vhdxfile", "VHDX"),
    (0, b"conectix", "VHD"),
    (64, b"\x7f\x10\xda\xbe", "VDI"),
    (0, b"QED\0", "QED"),
    (0, b"WithoutFreeSpace", "Parallels"),
    (0, b"WithouFreSpacExt", "Parallels"),
    (0, b"Bochs Virtual HD Image", "Bochs"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (257, b"ustar", "tar/OVA"),
    (32769, b"CD001", "ISO 9660"),
)
_LUKS = b"LUKS\xba\xbe"
_HEADER_3 = 104
_DIRTY, _CORRUPT, _DATA_FILE, _COMPRESSION, _EXTENDED = 1, 2, 4, 8, 16
_KNOWN = _DIRTY | _CORRUPT | _DATA_FILE | _COMPRESSION | _EXTENDED
_EXTENSIONS = {0x44415441: "data file", 0x0537BE77: "LUKS"}
_MOST_EXTENSIONS = 64
_MOST_L1 = 32 * 1024 * 1024  # bytes, as QEMU itself limits it
_MOST_REFCOUNTS = 8 * 1024 * 1024


@dataclass(frozen=True)
class Found:
    """What a sound image is: `format` raw or qcow2, and its size in bytes as a guest sees it."""

    format: str
    size: int


def examine(path: Path, limit_gib: int = LIMIT_GIB) -> Found:
    """Return what the image is; raise the `Refused` of `image_errors` that fits."""
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(65536)
        if head[:6] == _LUKS:
            raise EncryptedImage(how="LUKS")
        if head[:4] == _QCOW2:
            found = Found("qcow2", _qcow2(head, length))
        else:
            _no_other(file, head, length)
            found = Found("raw", _raw(head, length))
    if found.size > limit_gib * GIB:
        raise ImageTooLarge(size=-(-found.size // GIB), limit=limit_gib)
    return found


def _no_other(file: BinaryIO, head: bytes, length: int) -> None:
    for at, sign, name in _FOREIGN:
        if head[at : at + len(sign)] == sign:
            raise ForeignFormat(format=name)
    for back, sign, name in ((512, b"conectix", "VHD"), (512, b"koly", "DMG")):
        file.seek(max(0, length - back))
        if file.read(len(sign)) == sign:
            raise ForeignFormat(format=name)


def _qcow2(head: bytes, length: int) -> int:
    if len(head) < 72:
        raise TruncatedImage(why="qcow2 header")
    version, backing, _, bits, size, crypt = struct.unpack(">IQIIQI", head[4:36])
    l1_size, l1_at, table_at, table_clusters, snapshots = struct.unpack(">IQQII", head[36:64])
    if version not in (2, 3):
        raise UnknownFeature(what=f"qcow2 version {version}")
    if backing:
        raise RefersElsewhere(what="backing file")
    if crypt:
        raise EncryptedImage(how="LUKS" if crypt == 2 else "AES")
    if snapshots:
        raise ImageHasSnapshots(count=snapshots)
    if not 9 <= bits <= 21 or not size or size % 512:
        raise DamagedImage(why=f"cluster bits {bits}, size {size}")
    _tables(length, bits, (l1_at, l1_size * 8, _MOST_L1), (table_at, table_clusters << bits))
    _features(head, version)
    return int(size)


def _tables(length: int, bits: int, l1: tuple[int, int, int], refcounts: tuple[int, int]) -> None:
    """Check that the two tables that everything hangs on are of a sound size and in the file."""
    cluster = 1 << bits
    for what, at, size, most in (
        ("L1", *l1),
        ("refcount", *refcounts, _MOST_REFCOUNTS),
    ):
        if at % cluster or size > most:
            raise DamagedImage(why=f"{what} table")
        if at + size > length:
            raise TruncatedImage(why=f"{what} table")


def _features(head: bytes, version: int) -> None:
    start = 72
    if version == 3:
        incompatible, start = (
            struct.unpack(">Q", head[72:80])[0],
            struct.unpack(">I", head[100:104])[0],
        )
        if incompatible & _DATA_FILE:
            raise RefersElsewhere(what="data file")
        if incompatible & (_DIRTY | _CORRUPT):
            raise DamagedImage(why="它自称 it says so itself")
        if incompatible & ~_KNOWN:
            raise UnknownFeature(what=f"{incompatible:#x}")
        if not _HEADER_3 <= start <= 4096:
            raise DamagedImage(why=f"header length {start}")
    _extensions(head, start)


def _extensions(head: bytes, start: int) -> None:
    for _ in range(_MOST_EXTENSIONS):
        if start + 8 > len(head):
            raise DamagedImage(why="header extensions")
        kind, size = struct.unpack(">II", head[start : start + 8])
        if kind == 0:
            return
        if kind in _EXTENSIONS:
            what = _EXTENSIONS[kind]
            raise EncryptedImage(how=what) if what == "LUKS" else RefersElsewhere(what=what)
        start += 8 + -(-size // 8) * 8
    raise DamagedImage(why="header extensions")


def _raw(head: bytes, length: int) -> int:
    if not length or length % 512:
        raise NotAnImage(why=f"{length} 字节不是 512 的倍数 bytes are no multiple of 512")
    if head[510:512] == b"\x55\xaa":
        _partitions(head, length)
    elif head[1080:1082] == b"\x53\xef":
        _ext4(head, length)
    elif head[:4] != b"XFSB":
        raise NotAnImage(why="没有分区表或文件系统 no partition table, no file system")
    return length


def _partitions(head: bytes, length: int) -> None:
    if head[512:520] == b"EFI PART":
        last = struct.unpack("<Q", head[544:552])[0]  # where GPT's other header lies
        if (last + 1) * 512 > length:
            raise TruncatedImage(why="GPT")
        return
    for entry in range(446, 510, 16):
        start, count = struct.unpack("<II", head[entry + 8 : entry + 16])
        if head[entry + 4] and (start + count) * 512 > length:
            raise TruncatedImage(why="MBR")


def _ext4(head: bytes, length: int) -> None:
    blocks, shift = struct.unpack("<I", head[1028:1032])[0], struct.unpack("<I", head[1048:1052])[0]
    if shift > 6 or blocks << (10 + shift) > length:
        raise TruncatedImage(why="ext4")
