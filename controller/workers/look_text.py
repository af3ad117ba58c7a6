"""A message as a person may read it: JSON and HL7 v2 laid out in lines, masked unless asked in clear. Pure."""

import json
from typing import Any

from network.gateway import dlp, masks

# What tells of what kind something is, not of whom; personal numbers are masked even here.
_PLAIN = frozenset(
    {"resourceType", "status", "code", "system", "use", "unit", "type", "intent", "class", "mode",
     "gender", "display"}
)  # fmt: skip
_BY_NAME = {
    "name": "name", "family": "name", "given": "name", "birthDate": "birth-year",
    "address": "address", "line": "address", "city": "address", "district": "address",
}  # fmt: skip
_HEADS = frozenset({"MSH", "MSA", "BHS", "FHS", "EVN", "ERR"})
_LIMIT = 200_000  # characters; nobody reads more on a page


def shown(body: bytes, *, clear: bool) -> tuple[str, str]:
    """Return the form (`json`, `hl7`, `text` or `binary`) and the text to show of one body."""
    if body.startswith(b"MSH"):
        form, text = "hl7", _hl7(_decoded(body), clear=clear)
    else:
        form, text = _other(body, clear=clear)
    return form, text[:_LIMIT]


def _other(body: bytes, *, clear: bool) -> tuple[str, str]:
    try:
        held = json.loads(body, parse_float=str, parse_int=str)
    except ValueError:
        return _plain(body, clear=clear)
    told = held if clear else _masked(held, "")
    return "json", json.dumps(told, ensure_ascii=False, indent=2)


def _plain(body: bytes, *, clear: bool) -> tuple[str, str]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "binary", f"{len(body)} bytes"
    return "text", text if clear else masks.apply("all", text)


def _masked(value: Any, name: str) -> Any:  # a message is any JSON
    if isinstance(value, dict):
        return {str(key): _masked(held, str(key)) for key, held in value.items()}
    if isinstance(value, list):
        return [_masked(held, name) for held in value]
    if not isinstance(value, str):
        return value
    if name in _PLAIN and not dlp.find(value):
        return value
    return masks.apply(_BY_NAME.get(name, "all"), value)


def _decoded(body: bytes) -> str:
    for charset in ("utf-8", "gb18030"):
        try:
            return body.decode(charset)
        except UnicodeDecodeError:
            continue
    return body.decode("ascii", "replace")


def _hl7(text: str, *, clear: bool) -> str:
    separators = frozenset(text[3:8]) | {"|", "^", "~", "&"}
    lines = text.replace("\r", "\n").strip("\n").split("\n")
    return "\n".join(line if clear else _segment(line, separators) for line in lines)


def _segment(line: str, separators: frozenset[str]) -> str:
    """Keep the segment's name and structure; of the values only that there are some."""
    if line[:3] in _HEADS and not dlp.find(line):
        return line
    made, value = [line[:3]], ""
    for char in line[3:]:
        if char in separators:
            made += [masks.apply("all", value), char]
            value = ""
        else:
            value += char
    return "".join([*made, masks.apply("all", value)])
