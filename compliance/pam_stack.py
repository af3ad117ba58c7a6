"""Reads a PAM stack as libpam does (pam.conf(5)): what stands in a comment counts for nothing, however it is indented."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"-?(auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", re.I)


@dataclass(frozen=True)
class Entry:
    """One line: type, control and module (without its folder), in lower case but for the module, and its words."""

    type: str
    control: str
    module: str
    words: tuple[str, ...]


def entries(text: str, kind: str) -> list[Entry]:
    """Return the lines of that type, in order; a backslash continues a line."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        match = _ENTRY.fullmatch(line.partition("#")[0].strip())
        if match and match[1].lower() == kind:
            module = match[3].rpartition("/")[2]
            found.append(Entry(kind, match[2].lower(), module, tuple(match[4].split())))
    return found
