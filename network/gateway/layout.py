"""Where a gateway lives: folders, accounts, zones; the box uses the defaults."""

import pwd
from dataclasses import dataclass
from pathlib import Path

from network.zones import PLAN, Plan


@dataclass(frozen=True)
class Account:
    """The numbers under which one of the three processes runs."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> "Account":
        """Look `name` up; raises `KeyError` when there is no such account."""
        entry = pwd.getpwnam(name)
        return cls(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True)
class Layout:
    """One gateway. `folder` holds policy, journal and log; an account left out goes by its name."""

    folder: Path = Path("/var/lib/hbox/gateway")
    policy_key: Path = Path("/var/lib/hbox/keys/policy.key.pub")
    pids: Path = Path("/run/hbox-gateway.json")
    plan: Plan = PLAN
    front: Account | None = None
    guard: Account | None = None
    back: Account | None = None

    @property
    def journal(self) -> Path:
        """The journal's folder; only the guard's user and root may enter it."""
        return self.folder / "journal"

    def account(self, name: str) -> Account:
        """Return the account of `front`, `guard` or `back`."""
        given = {"front": self.front, "guard": self.guard, "back": self.back}[name]
        return given or Account.named(f"hbox-{name}")

    def netns(self, name: str) -> Path:
        """Return the file of that process's network namespace."""
        names = dict(zip(("front", "guard", "back"), self.plan.namespaces, strict=True))
        return Path("/run/netns") / names[name]
