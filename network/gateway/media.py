"""What kind of file something is, by its first bytes and its name: pure, for the file lane."""

import re

LONGEST = 120  # characters of a name

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (128, b"DICM", "application/dicom"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x03\x04", "application/ofd"),
)
ENDINGS = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/tiff": ("tif", "tiff"),
    "application/dicom": ("dcm",),
    "application/zip": ("zip",),
    "application/ofd": ("ofd",),
    "application/xml": ("xml",),
    "application/json": ("json",),
    "text/csv": ("csv",),
    "text/plain": ("txt",),
    "x-application/hl7-v2+er7": ("hl7",),
}
"""The media that a channel may name, with the endings that a name of each may have."""

_TEXTS = (
    "application/xml",
    "application/json",
    "text/csv",
    "text/plain",
    "x-application/hl7-v2+er7",
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NAME = re.compile(r"[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff ._()+\uff08\uff09-]*")


def told(head: bytes, name: str) -> str:
    """Return the medium of a file that begins with `head` and is called `name`; empty when none fits.

    What has a signature must have its ending too; text is told apart by its ending only.
    """
    ending = name.rpartition(".")[2].lower()
    found = [m for at, magic, m in _MAGIC if head[at : at + len(magic)] == magic]
    if found:
        return next((medium for medium in found if ending in ENDINGS[medium]), "")
    named = next((medium for medium in _TEXTS if ending in ENDINGS[medium]), "")
    return named if named and _text(head) else ""


def _text(head: bytes) -> bool:
    if head[:2] in (b"MZ", b"#!") or head[:4] == b"\x7fELF":
        return False
    for charset in ("utf-8-sig", "gb18030"):
        # The head may end inside a character: its last bytes are not looked at then.
        for cut in range(4):
            try:
                return not _CONTROL.search(head[: len(head) - cut].decode(charset))
            except UnicodeDecodeError:
                continue
    return False


def lawful_name(name: str) -> bool:
    """Whether a file may be called `name` on both sides: letters, digits, Chinese, no tricks."""
    return (
        len(name) <= LONGEST
        and _NAME.fullmatch(name) is not None
        and ".." not in name
        and not name.endswith((" ", "."))
    )
