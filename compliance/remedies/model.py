"""The words of mending: a remedy, what it may write, and how it could lock people out."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from appliance.errors import Text

TREE = "/**"  # ends a pattern that means a folder with all that is in it
MODES = "modes:"  # begins a pattern that means owner and mode alone
OPEN = "open:"  # the same, of all below a folder that is open to all, nobody's, or has another's rights
MADE = (
    "made:"  # begins `made:UNIT:PATTERN`: what that unit makes of itself, and only where nothing is
)
RULES = "kernel:nft"  # the packet filter that the kernel holds
ADDRESSES = (
    "kernel:addresses"  # the node's addresses on the bridges of the zones, which should have none
)
BRIDGES = ("br-int", "br-ext")


class Lockout(StrEnum):
    """The way in that a remedy could close; such a remedy is reverted by the node itself unless proved."""

    SSH = "ssh"
    PAM = "pam"
    NETWORK = "network"


@dataclass(frozen=True)
class Remedy:
    """How the box mends what some checks find: the tasks of its roles that carry the tag.

    `paths` is all that it may write: exact paths, `*` within a name, `/**` for a whole folder,
    `modes:PATTERN` and `open:/folder` for owners and modes alone, `kernel:nft` for the packet
    filter, `kernel:addresses` for the node's addresses in the zones, `made:UNIT:PATTERN` for what a unit that
    it starts makes where nothing is: it goes again, unread, with the unit's work. `units` may be started,
    stopped, enabled or masked; what runs of them runs again when it is undone.
    A `safe` one interrupts nobody and locks nobody out: it goes into "mend all that is safe".
    """

    id: str
    checks: tuple[str, ...]
    text: Text
    paths: tuple[str, ...]
    units: tuple[str, ...] = ()
    lockout: Lockout | None = None
    quiet: bool = True
    playbook: str = "node.yml"

    @property
    def tag(self) -> str:
        """The tag of its tasks in the roles: its own id."""
        return self.id

    @property
    def safe(self) -> bool:
        """Whether it goes into "mend all that is safe"."""
        return self.quiet and self.lockout is None

    @property
    def surface(self) -> tuple[str, ...]:
        """Patterns of all that it may write: those of its units too, and folders that may first be made."""
        own = (*self.paths, *(path for unit in self.units for path in of_unit(unit)))
        return tuple(dict.fromkeys((*own, *(folder for path in own for folder in above(path)))))


def of_unit(unit: str) -> tuple[str, ...]:
    """Return where systemd keeps whether a unit starts, and what is said about it. Pure."""
    etc = "/etc/systemd/system"
    return (
        f"{etc}/{unit}",
        f"{etc}/{unit}.d{TREE}",
        f"{etc}/*.wants",
        f"{etc}/*.wants/{unit}",
        f"/run/systemd/transient/{unit}",  # one of no file goes for good when it is stopped
    )


def above(pattern: str) -> list[str]:
    """Return the folders below /etc on the way to a pattern. Pure."""
    folders = map(str, PurePosixPath(pattern.removesuffix(TREE)).parents)
    return [one for one in folders if one.startswith("/etc/") and "*" not in one]


def matches(path: str, pattern: str) -> bool:
    """Whether a path lies within a pattern of a surface. Pure."""
    if pattern.startswith(OPEN):
        return path.startswith(pattern.removeprefix(OPEN).rstrip("/") + "/")
    pattern = pattern.removeprefix(MODES)
    if pattern.endswith(TREE):
        folder = pattern.removesuffix(TREE)
        return path == folder or path.startswith(folder + "/")
    return fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")


def within(path: str, surface: Sequence[str], how: str = "changed") -> bool:
    """Whether a path may change that way (as `compliance.before.differences` says it). Pure."""
    return any(
        matches(path, one) for one in surface if how == "mode" or not one.startswith((MODES, OPEN))
    )
