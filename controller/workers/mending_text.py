"""What a mending changes, as text for people: diffs without secrets, within bounds."""

import base64
import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from compliance.walk import shown
from controller.workers.nodes_play import OF_FILE

MOST = 60_000  # characters of a diff that a job's result carries
_SECRET = re.compile(r"shadow|_key\b|\.keys?\b|/keys/|secret|opasswd|\.pem\b")
_HUNK = re.compile(r"^@@ -\d+(?:,(?P<old>\d+))? \+\d+(?:,(?P<new>\d+))? @@")
# A password that stands in an account's own line, where `x` belongs.
_PASSWORD = re.compile(r"^([-+ ]?[^:\s]+:)[^:x*!][^:]*(:\d+:\d+:[^:]*:[^:]*:[^:]*)$")
_OLD, _NEW = ("", " ", "-"), ("", " ", "+")  # an empty line lost the blank of what did not change
_BODY = (*_OLD, "+", "\\")
_HEAD = re.compile(r"^(?:---|\+\+\+) (?:before|after): (?P<path>\S+)")


class Diffs:
    """Takes the roles' lines as they come, and gives those on that may be seen.

    Of a file that holds secrets only its name is told.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._hidden = False
        self._hunk = [
            0,
            0,
        ]  # lines of the old and the new text that the present hunk has yet to show

    def take(self, line: str) -> str:
        """Return the line, or "" where it shows what nobody should read."""
        head = _HEAD.match(line)
        part = self._of_hunk(line)
        if head:
            secret = bool(_SECRET.search(head["path"]))
            # The second head may name a copy on its way, and a head in a hunk is the file's own text: both only
            # hide more.
            keeps = part or not line.startswith("---")
            self._hidden = secret or (self._hidden and keeps)
        elif not part and not line.startswith(("+", "-", "@@")):
            self._hidden = False
        if self._hidden and (part or not head):
            return ""
        if head or line.startswith(("+", "-", "@@")) or OF_FILE.match(line):
            self.lines.append(_covered(line))
        return _covered(line)

    def _of_hunk(self, line: str) -> bool:
        """Whether the line is text of the hunk that its head `@@` counted."""
        if counted := _HUNK.match(line):
            self._hunk = [int(counted[side] or 1) for side in ("old", "new")]
            return False
        old, new = self._hunk
        first = line[:1]
        if max(old, new) <= 0 or first not in _BODY:
            self._hunk = [0, 0]
            return False
        self._hunk = [old - (first in _OLD), new - (first in _NEW)]
        return True

    @property
    def text(self) -> str:
        """All changes, cut where they are too long."""
        return cut("\n".join(self.lines))


def between(old: Mapping[str, Any], new: Mapping[str, Any], paths: Iterable[str]) -> str:
    """Return what differs between two kept states in these paths, as a unified diff. Pure."""
    parts = []
    for path in paths:
        name = shown(path)
        if _SECRET.search(path):
            parts.append(f"--- {name}\n(内容不显示 not shown)")
            continue
        was, now = (_text(held.get(path)) for held in (old, new))
        heads = (f"before: {name}", f"after: {name}")
        changed = difflib.unified_diff(was, now, *heads, lineterm="")
        lines = [_covered(line) for line in changed]
        parts.append(
            "\n".join(lines) if lines else f"{name}: {_form(old, path)} → {_form(new, path)}"
        )
    return cut("\n".join(parts))


def named(paths: Iterable[str], most: int = 0) -> str:
    """Return paths in words (`most` of them, 0 all), on one line whatever they are made of. Pure."""
    found = [shown(path) for path in paths]
    return ", ".join(found[: most or None]) or "–"


def cut(text: str) -> str:
    """Return the text within bounds. Pure."""
    return text if len(text) <= MOST else text[:MOST] + "\n… (其余略 cut)"


def _covered(line: str) -> str:
    return _PASSWORD.sub(r"\1(不显示 hidden)\2", line)


def _text(entry: Mapping[str, Any] | None) -> list[str]:
    raw = base64.b64decode(entry.get("data", "")) if entry else b""
    return raw.decode("utf-8", "replace").splitlines()


def _form(held: Mapping[str, Any], path: str) -> str:
    one = held.get(path)
    return "–" if one is None else f"{one['kind']} {one['mode']:04o} {one['uid']}:{one['gid']}"
