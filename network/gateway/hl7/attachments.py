"""Files inside an HL7 v2 message: OBX-5 of type ED, decoded so that they can be scanned."""

import base64
import binascii
from dataclasses import dataclass

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

    They are no text: no number is looked for in them and no markup. `put_back` gives them back.
    """
    found: list[Attached] = []
    mark = f"{separators.field}ED{separators.field}"
    if mark not in "\r".join(lines):
        return found
    for at, line in enumerate(lines):
        if line[:3] != "OBX" or mark not in line:
            continue
        fields = line.split(separators.field, 6)
        if len(fields) > 5 and fields[2] == "ED" and fields[5]:
            files = _files(fields[5], separators)
            if files:
                found.append(Attached(at, fields[5], files))
                fields[5] = ""
                lines[at] = separators.field.join(fields)
    return found


def put_back(lines: list[str], attached: list[Attached], separators: Separators) -> None:
    """Undo `taken_out`."""
    for one in attached:
        fields = lines[one.line].split(separators.field, 6)
        fields[5] = one.text
        lines[one.line] = separators.field.join(fields)


def _files(value: str, separators: Separators) -> tuple[bytes, ...]:
    """ED is source, type, subtype, encoding, data; all or none of a field is binary."""
    parts = [r.split(separators.component) for r in value.split(separators.repetition) if r]
    binary = [len(p) > 4 and p[3].upper() in _BINARY for p in parts]
    if not any(binary):
        return ()
    if not all(binary) or any(separators.escape in p for p in value):
        raise BodyRefused(path="OBX-5", why="unreadable attachment")
    return tuple(_data(p) for p in parts)


def _data(components: list[str]) -> bytes:
    try:
        if components[3].upper() == "HEX":
            return bytes.fromhex(components[4])
        return base64.b64decode(components[4], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BodyRefused(path="OBX-5", why="unreadable attachment") from error
