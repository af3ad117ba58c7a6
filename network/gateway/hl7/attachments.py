"""Files inside an HL7 v2 message: OBX-5 of type ED, decoded so that they can be scanned."""

import base64
import binascii
import re
from dataclasses import dataclass
from functools import lru_cache

from network.gateway.hl7.escapes import plain
from network.gateway.hl7.message import Separators
from network.gateway.refusals import BodyRefused

_BINARY = ("BASE64", "HEX")  # table 0299; `A` is plain text and is treated as such


@dataclass(frozen=True, slots=True)
class Attached:
    """An OBX-5 with files: the line it was taken from, its text, and the files themselves."""

    line: int
    text: str
    files: tuple[bytes, ...]


def taken_out(lines: list[str], separators: Separators) -> list[Attached]:
    """Take every OBX-5 with binary data out of `lines`; raises `BodyRefused` for an unreadable one.

    In them no markup is looked for, and numbers only where they are text. `put_back` gives them back.
    Any other segment with such data is refused.
    """
    found: list[Attached] = []
    text = plain("\r".join(lines), separators).upper()
    if not any(name in text for name in _BINARY):
        return found
    for at, line in enumerate(lines):
        if not _encoded(line, separators):
            continue
        fields = line.split(separators.field, 6)
        if line[:3] != "OBX":
            _none(line, separators)
        # Whatever OBX-2 says, or is not allowed to say: the data says by itself what it is.
        elif len(fields) > 5 and _encoded(fields[5], separators):
            files = _files(fields[5], separators)
            if files:
                found.append(Attached(at, fields[5], files))
                fields[5] = ""
                lines[at] = separators.field.join(fields)
    return found


def _none(line: str, separators: Separators) -> None:
    if any(_files(value, separators) for value in line.split(separators.field)):
        raise BodyRefused(path=line[:3], why="an attachment where none is looked for")


def _encoded(text: str, separators: Separators) -> bool:
    """Whether `text` may hold data in an encoding, also one that hides behind formatting escapes."""
    return _pattern(separators.component).search(plain(text, separators)) is not None


@lru_cache(maxsize=16)
def _pattern(component: str) -> re.Pattern[str]:
    mark = re.escape(component)
    return re.compile(rf"{mark}\s*(?:{'|'.join(_BINARY)})\s*{mark}", re.IGNORECASE | re.ASCII)


def put_back(lines: list[str], attached: list[Attached], separators: Separators) -> None:
    """Undo `taken_out`."""
    for one in attached:
        fields = lines[one.line].split(separators.field, 6)
        fields[5] = one.text
        lines[one.line] = separators.field.join(fields)


def _files(value: str, separators: Separators) -> tuple[bytes, ...]:
    """ED is source, type, subtype, encoding, data; all or none of a field is binary."""
    parts = [r.split(separators.component) for r in value.split(separators.repetition) if r]
    binary = [len(p) > 4 and plain(p[3], separators).strip().upper() in _BINARY for p in parts]
    if not any(binary):
        return ()
    if not all(binary) or any(separators.escape in p for p in value):
        raise BodyRefused(path="OBX-5", why="unreadable attachment")
    return tuple(_data(p) for p in parts)


def _data(components: list[str]) -> bytes:
    try:
        if components[3].strip().upper() == "HEX":
            return bytes.fromhex(components[4])
        return base64.b64decode(components[4], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BodyRefused(path="OBX-5", why="unreadable attachment") from error
