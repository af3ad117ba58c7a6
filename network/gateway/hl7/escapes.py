"""Escape sequences of HL7 v2 text (chapter 2.7): made canonical, so that nothing hides behind them."""

import re
from collections.abc import Callable
from functools import lru_cache

from network.gateway.hl7.message import Separators
from network.gateway.refusals import BodyRefused

_FORMAT = r"H|N|\.(?:br|fi|nf|ce|(?:sp|in|ti|sk) ?[+-]?\d{0,3})"


@lru_cache(maxsize=16)
def _patterns(escape: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    e = re.escape(escape)
    one = re.compile(
        rf"{e}(?:([EFSTRP]|{_FORMAT}){e}|X((?:[0-9A-Fa-f]{{2}})+){e}|([CM])[0-9A-F]+{e})?"
    )
    return one, re.compile(rf"{e}(?:{_FORMAT}){e}")


def canonical(text: str, separators: Separators, codec: str) -> tuple[str, int]:
    """Return `text` with lawful escapes as they are and all others made plain, and how many changed.

    Hexadecimal ones become the characters they stand for, line ends a `.br`, a lone escape character
    its own escape. Raises `BodyRefused` for a change of charset and for control characters.
    """
    if separators.escape not in text:
        return text, 0
    changed = 0
    anew = _hexadecimal(separators, codec)
    alone = f"{separators.escape}E{separators.escape}"

    def one(found: re.Match[str]) -> str:
        nonlocal changed
        if found[1]:
            return found[0]
        if found[3]:
            raise BodyRefused(path="$", why="an escape that changes the charset")
        changed += 1
        return anew(found[2]) if found[2] else alone

    return _patterns(separators.escape)[0].sub(one, text), changed


def plain(text: str, separators: Separators) -> str:
    """Return `text` without formatting escapes: as a receiver that leaves them out would read it."""
    if separators.escape not in text:
        return text
    return _patterns(separators.escape)[1].sub("", text)


def value_of(text: str, separators: Separators) -> str:
    """Return what `text` (a part without separators, canonical) says to a person."""
    if separators.escape not in text:
        return text
    marks = {
        "E": separators.escape,
        "F": separators.field,
        "S": separators.component,
        "T": separators.subcomponent,
        "R": separators.repetition,
    }
    return _patterns(separators.escape)[0].sub(lambda found: marks.get(found[1] or "", ""), text)


def escaped(value: str, separators: Separators) -> str:
    """Return `value` so that no character of it is a separator."""
    table = _table(separators)
    return value.translate(table)


@lru_cache(maxsize=16)
def _table(separators: Separators) -> dict[int, str]:
    e = separators.escape
    marks = {
        e: "E",
        separators.field: "F",
        separators.component: "S",
        separators.subcomponent: "T",
        separators.repetition: "R",
    }
    breaks = {ord("\r"): f"{e}.br{e}", ord("\n"): f"{e}.br{e}"}
    return {**{ord(mark): f"{e}{letter}{e}" for mark, letter in marks.items()}, **breaks}


def _hexadecimal(separators: Separators, codec: str) -> Callable[[str], str]:
    def anew(digits: str) -> str:
        try:
            value = bytes.fromhex(digits).decode(codec).replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise BodyRefused(path="$", why="a hexadecimal escape that is no text") from error
        if any((c < " " and c not in "\t\r\n") or "\x7f" <= c < "\xa0" for c in value):
            raise BodyRefused(path="$", why="a control character behind an escape")
        return escaped(value, separators)

    return anew
