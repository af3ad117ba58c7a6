"""Where a gateway lives: folders, accounts, zones; the box uses the defaults."""

import pwd
from dataclasses import dataclass
from pathlib import Path

from network.zones import PLAN, Plan

NAMES = ("front", "guard", "back", "scan")
SIDES = {"front": "extranet", "back": "intranet"}


@dataclass(frozen=True)
class Account:
    """The numbers under which one of the processes runs."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> "Account":
        """Look `name` up; raises `KeyError` when there is no such account."""
        entry = pwd.getpwnam(name)
        return cls(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True)
class Layout:
    """One gateway. `folder` holds policy, journal, spool and log; `clamd` is the virus scanner's socket.

    An account left out goes by its name (`hbox-front` …).
    """

    folder: Path = Path("/var/lib/hbox/gateway")
    policy_key: Path = Path("/var/lib/hbox/keys/policy.key.pub")
    pids: Path = Path("/run/hbox-gateway.json")
    clamd: Path = Path("/run/clamav/clamd.ctl")
    plan: Plan = PLAN
    front: Account | None = None
    guard: Account | None = None
    back: Account | None = None
    scan: Account | None = None

    @property
    def journal(self) -> Path:
        """The journal's folder; only the guard's user and root may enter it."""
        return self.folder / "journal"

    @property
    def spool(self) -> Path:
        """Where files lie that are too large for a frame, by side."""
        return self.folder / "spool"

    @property
    def keys(self) -> Path:
        """The folder with the box's keys; only root may enter it."""
        return self.policy_key.parent

    @property
    def journal_key(self) -> Path:
        """The key under which bodies lie in the journal."""
        return self.keys / "journal.key"

    def account(self, name: str) -> Account:
        """Return the account of `front`, `guard`, `back` or `scan`."""
        given = {
            "front": self.front, "guard": self.guard, "back": self.back, "scan": self.scan,
        }[name]  # fmt: skip
        return given or Account.named(f"hbox-{name}")

    def netns(self, name: str) -> Path:
        """Return the file of that process's network namespace."""
        return Path("/run/netns") / dict(zip(NAMES, self.plan.namespaces, strict=True))[name]
