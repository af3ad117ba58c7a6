"""Questions the inspector may put to a machine: run a program that changes nothing, or read a file.

Every question is one that an assessor can type again at the node's shell.
"""

import shlex
from dataclasses import dataclass

READER = ("/usr/lib/hbox/venv/bin/python", "-I", "-m", "compliance.records")


@dataclass(frozen=True)
class Command:
    """Run `argv` without a shell; exit codes in `ok` are answers, all others mean no answer.

    `root` questions need rights that the inspector's account does not have: they are put by the
    unit's privileged prologue (`compliance.privileged`) before the inspector starts. Where the
    program is missing nothing is known, unless it is `telling`: then its absence is an answer.
    Of a program that always says something (`speaks`) nothing at all is no answer either.
    `patience` is how many seconds it may take, 0 as long as any.
    """

    argv: tuple[str, ...]
    ok: tuple[int, ...] = (0,)
    root: bool = False
    telling: bool = False
    patience: float = 0.0
    speaks: bool = False

    @property
    def asked(self) -> str:
        """The question as text."""
        return shlex.join(self.argv)


@dataclass(frozen=True)
class File:
    """Read a text file."""

    path: str

    @property
    def asked(self) -> str:
        """The question as text."""
        return shlex.join(("cat", self.path))


Question = Command | File


def command(
    *argv: str, ok: tuple[int, ...] = (0,), root: bool = False, telling: bool = False
) -> Command:
    """Shorthand for `Command`."""
    return Command(argv, ok, root, telling)


def sql(query: str) -> Command:
    """Read the controller's records, in whatever database they are, read-only; rows come as JSON."""
    return Command((*READER, query))
