"""What may be asked about tenants: set their limits, remove one that has nothing any more."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Conflict, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records import tenants
from controller.records.cluster import ApiToken, Grant
from controller.records.tables import Vm, Volume

MOST = {"vms": 10_000, "vcpus": 100_000, "memory_mib": 1 << 30, "disk_gib": 1 << 24}


class TenantInUse(Conflict):
    """Machines, volumes, grants or tokens still belong to the tenant."""

    code = "tenant.in_use"
    text = Text(
        "租户 {name} 仍被使用：虚拟机 {vms}、卷 {volumes}、授权 {grants}、令牌 {tokens}",
        "The tenant {name} is in use: {vms} machines, {volumes} volumes, {grants} grants, {tokens} tokens",
    )
    hint = Text(
        "请先删除其虚拟机和卷，并收回指向它的授权与令牌。",
        "Delete its machines and volumes first, and take back the grants and tokens for it.",
    )


@dataclass(frozen=True)
class SetTenant(Action):
    """Make a tenant, or give it other limits; memory in MiB, disk in GiB, 0 means no limit.

    Limits below what is taken already take nothing away; they only keep more from being taken.
    """

    name: str
    vms: int
    vcpus: int
    memory_mib: int
    disk_gib: int

    kind: ClassVar[str] = "tenant.set"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "设置租户 {name} 的上限：虚拟机 {vms}、vCPU {vcpus}、内存 {memory_mib} MiB、磁盘 {disk_gib} GiB",
        "Set the limits of the tenant {name}: {vms} machines, {vcpus} vCPUs, {memory_mib} MiB, {disk_gib} GiB",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"tenant/{self.name}"

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {what: getattr(self, what) for what in MOST}

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("name", self.name, fields.NAME)
        for what, most in MOST.items():
            fields.within(what, getattr(self, what), 0, most)


@dataclass(frozen=True)
class RemoveTenant(Action):
    """Remove a tenant to which nothing belongs."""

    name: str

    kind: ClassVar[str] = "tenant.remove"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text("移除租户 {name}", "Remove the tenant {name}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"tenant/{self.name}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("name", self.name, fields.NAME)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        tenants.get(session, self.name)
        unused(session, self.name)


def unused(session: Session, name: str) -> None:
    """Raise `TenantInUse` when anything belongs to the tenant or points at it."""
    path = f"/tenants/{name}"
    living = (ApiToken.revoked_at.is_(None), ApiToken.expires_at > clock.iso())
    held = {
        "vms": select(func.count()).select_from(Vm).where(Vm.tenant == name),
        "volumes": select(func.count()).select_from(Volume).where(Volume.tenant == name),
        "grants": select(func.count()).select_from(Grant).where(Grant.path == path),
        "tokens": select(func.count()).select_from(ApiToken).where(ApiToken.path == path, *living),
    }
    counts = {what: session.scalar(query) or 0 for what, query in held.items()}
    if any(counts.values()):
        raise TenantInUse(name=name, **counts)
