"""What tenants have been given and have taken, as bars."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.records import tenants as records
from controller.records.cluster import Tenant

_NAMES = {
    "vms": (Text("虚拟机", "machines"), ""),
    "vcpus": (Text("vCPU", "vCPUs"), ""),
    "memory_mib": (Text("内存", "memory"), "MiB"),
    "disk_gib": (Text("磁盘", "disk"), "GiB"),
}


@dataclass(frozen=True)
class Taken:
    """One measure of a tenant; a limit of 0 means none."""

    key: str
    name: Text
    unit: str
    used: int
    limit: int

    @property
    def part(self) -> float:
        """How much of the limit is taken, 0.0 to 1.0 (and above, where the limit was lowered)."""
        return self.used / self.limit if self.limit else 0.0

    @property
    def tone(self) -> str:
        """How it is shown: ok, warn (from nine tenths) or bad (nothing left)."""
        return "bad" if self.part >= 1 else "warn" if self.part >= 0.9 else "ok"


@dataclass(frozen=True)
class TenantView:
    """A tenant with its measures."""

    row: Tenant
    taken: tuple[Taken, ...]

    @property
    def empty(self) -> bool:
        """Whether it has taken nothing, so that it may go."""
        return not any(one.used for one in self.taken)


def tenants(session: Session, only: frozenset[str] | None = None) -> list[TenantView]:
    """Return the tenants by name, those in `only` where given."""
    used = records.usage(session)
    return [
        TenantView(row, _taken(row, used.get(row.name, records.Usage())))
        for row in records.many(session)
        if only is None or row.name in only
    ]


def _taken(row: Tenant, used: records.Usage) -> tuple[Taken, ...]:
    return tuple(
        Taken(key, name, unit, getattr(used, key), getattr(row, key))
        for key, (name, unit) in _NAMES.items()
    )
