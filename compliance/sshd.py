"""Reads the files of sshd's settings: what they make an exception of (`Match`), which `sshd -T` leaves out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from compliance.questions import command

FILES = command(
    "sh", "-c", "cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null || true"
)
"""The main file and its drop-ins, one after the other: where one ends inside a `Match`, the next is read as part of it."""

DROP_INS = "/etc/ssh/sshd_config.d/*.conf"
_LINE = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)")


@dataclass(frozen=True)
class Exempt:
    """One setting inside a `Match`: for whom, which, and to what; words in lower case but for the value."""

    match: str
    word: str
    value: str

    def __str__(self) -> str:
        return f"{self.word} {self.value}".lower()


def settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the settings as sshd reads them: `Word value`, `Word=value` and `Word "value"` say the same."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found:
            value = re.sub(r"(^|\s)#.*", "", found[2]).replace('"', "")
            yield found[1].lower(), " ".join(value.split())


def exceptions(text: str) -> list[Exempt]:
    """Return all that stands behind a `Match`, in the files' order."""
    found, match = [], ""
    for word, value in settings(text):
        if word == "match":
            match = value.lower()
        elif match:
            found.append(Exempt(match, word, value))
    return found


def elsewhere(text: str) -> list[str]:
    """Return the files that an `Include` reads besides the drop-ins: nobody judges what stands there."""
    held = [value for word, value in settings(text) if word == "include"]
    paths = [one for value in held for one in value.split()]
    return [one for one in paths if one not in (DROP_INS, DROP_INS.removeprefix("/etc/ssh/"))]
