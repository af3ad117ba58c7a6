r"""Text of unknown origin made harmless for a spreadsheet, a sheet's name, or a printed page.

What a machine answered may be anything: terminal escapes, formulas, characters that turn the direction
of writing. Nothing is dropped: what cannot be shown is written as an escape (`\x1b`), what is too long is
visibly cut.
"""

import re
from collections.abc import Iterable

CELL_LIMIT = 32_767  # UTF-16 units in a cell (ECMA-376 part 1; what Excel states)
NAME_LIMIT = 31  # UTF-16 units in a sheet's name

# Controls but tab and line feed; what turns the direction of writing or has no width; halves of
# surrogate pairs; code points that are no characters. XML 1.0 forbids most of them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]|[" + "".join(
        f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17)
    ) + "\U000e0000-\U000e0fff]"
)  # fmt: skip
_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠\t\r]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\s]+")


def plain(text: str) -> str:
    """Return `text` with a line feed for every line end, and unseen characters as visible escapes."""
    return _UNSEEN.sub(_escape, text.replace("\r\n", "\n"))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def cut(text: str, limit: int) -> str:
    """Return `text` in at most `limit` UTF-16 units, and say that it was cut where it was.

    `limit` is at least 40.
    """
    if _units(text) <= limit:
        return text
    mark = "…（已截断 cut）"
    kept = text[: limit - len(mark)]
    while _units(kept) + len(mark) > limit:
        kept = kept[: len(kept) - max(1, (_units(kept) + len(mark) - limit) // 2)]
    return kept + mark


def _units(text: str) -> int:
    """Count UTF-16 units: what spreadsheets count; a character beyond the first plane is two."""
    return len(text) + sum(one > "\uffff" for one in text)


def cell(text: str) -> str:
    """Return `text` as the content of a text cell that no program takes for a formula.

    An apostrophe goes before what would begin one, also after a save as CSV and in full width.
    """
    seen = plain(text)
    if _FORMULA.match(seen):
        seen = "'" + seen
    return cut(seen, CELL_LIMIT)


def stored(text: str) -> str:
    """Return `cell(text)` as it stands in the file: `_x0041_` in it is text and no escape for `A`."""
    kept = cell(text)
    whole = _ESCAPE.sub("_x005F_", kept)
    return whole if _units(whole) <= CELL_LIMIT else _ESCAPE.sub("＿", kept)


def names(wanted: Iterable[str]) -> list[str]:
    """Return a sheet's name for each wish, in order: allowed, not empty, and each once in any case."""
    taken: set[str] = {"history"}  # Excel keeps this one for itself
    made = []
    for wish in wanted:
        bare = _NOT_IN_NAMES.sub(" ", plain(wish)).strip(" '") or "–"
        name, number = _short(bare, ""), 1
        while name.casefold() in taken:
            number += 1
            name = _short(bare, f" {number}")
        taken.add(name.casefold())
        made.append(name)
    return made


def _short(name: str, tail: str) -> str:
    while _units(name + tail) > NAME_LIMIT:
        name = name[:-1]
    return (name + tail).strip(" '")
