"""Rights below paths: what a tenant's grants and an API token's limits let somebody do, and to what."""

import re
from dataclasses import dataclass
from enum import StrEnum

from appliance.errors import BadInput

ROOT = "/"
PATH = re.compile(
    r"/|/tenants/[a-z][a-z0-9-]{0,30}[a-z0-9]|/vms/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


class Right(StrEnum):
    """How far somebody may go; each holds the one before it."""

    VIEW = "view"
    OPERATE = "operate"
    MANAGE = "manage"

    def holds(self, other: "Right") -> bool:
        """Whether whoever has this right has `other` too."""
        order = tuple(Right)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Need:
    """What an act asks for: `right` on an object that lies at `places` (its own path and those above)."""

    right: Right
    places: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """What a grant or a token gives: `right` on `path` and on all below it."""

    right: Right
    path: str

    def covers(self, need: Need) -> bool:
        """Whether this is enough for `need`."""
        return self.right.holds(need.right) and self.path in need.places


Limits = tuple[tuple[Scope, ...], ...]
"""Layers that must each hold a scope that covers: an owner's grants, then the token's. None: no limit."""


def covered(limits: Limits, needs: tuple[Need, ...]) -> bool:
    """Whether every need is covered in every layer."""
    return all(any(scope.covers(need) for scope in layer) for layer in limits for need in needs)


def sound_path(path: str) -> None:
    """Raise `BadInput` unless `path` is `/`, `/tenants/NAME` or `/vms/ID`."""
    if not PATH.fullmatch(path):
        raise BadInput(
            what="path", why=f"{path[:80]!r} 应为 must be /, /tenants/NAME 或 or /vms/ID"
        )
