"""What a tenant has, counted over wished machines and volumes, held against its limits.

Counted in the transaction that submits: of two that ask for the last unit, one is refused.
"""

from dataclasses import dataclass, fields

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from controller.actions.vms_one import active_job
from controller.records.cluster import Tenant
from controller.records.tables import Vm, Volume

_WORDS = {
    "vms": Text("虚拟机（台）", "virtual machines"),
    "vcpus": Text("虚拟 CPU（个）", "virtual CPUs"),
    "memory_mib": Text("内存（MiB）", "memory (MiB)"),
    "disk_gib": Text("磁盘（GiB）", "disk (GiB)"),
}


class QuotaExceeded(Conflict):
    """The tenant's limit would be passed."""

    code = "tenant.quota_exceeded"
    text = Text(
        "租户 {tenant} 的{zh}配额不足：已用 {used}，申请 {asked}，上限 {limit}",
        "The tenant {tenant} has not enough {en} left: {used} used, {asked} asked, limit {limit}",
    )
    hint = Text(
        "请删除不用的资源，或请系统管理员提高该租户的上限。",
        "Delete what is not used, or have the system administrator raise the tenant's limit.",
    )


@dataclass(frozen=True)
class Usage:
    """An amount of everything that is limited."""

    vms: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0


def usage(session: Session, tenant: str) -> Usage:
    """Return what the tenant has: a size that was asked for counts as if it were there already."""
    vms = list(session.scalars(select(Vm).where(Vm.tenant == tenant)))
    sizes = [_size(session, vm) for vm in vms]
    loose = select(func.sum(Volume.size_gib)).where(Volume.tenant == tenant, Volume.kind == "data")
    return Usage(
        vms=len(vms),
        vcpus=sum(size[0] for size in sizes),
        memory_mib=sum(size[1] for size in sizes),
        disk_gib=sum(vm.disk_gib for vm in vms) + int(session.scalar(loose) or 0),
    )


def check(session: Session, tenant: str, more: Usage) -> None:
    """Raise `QuotaExceeded` when `more` does not fit; a tenant "" has no limits; `NotFound`."""
    if not tenant:
        return
    limits = session.get(Tenant, tenant)
    if limits is None:
        raise NotFound(what="租户 tenant", name=tenant)
    used = usage(session, tenant)
    for one in fields(Usage):
        limit, asked = getattr(limits, one.name), getattr(more, one.name)
        if limit and asked > 0 and getattr(used, one.name) + asked > limit:
            words = _WORDS[one.name]
            have = getattr(used, one.name)
            raise QuotaExceeded(
                tenant=tenant, zh=words.zh, en=words.en, used=have, asked=asked, limit=limit
            )


def _size(session: Session, vm: Vm) -> tuple[int, int]:
    wanted = vm.resizing
    if not wanted or active_job(session, str(wanted["job"])) is None:
        return vm.vcpus, vm.memory_mib
    vcpus, memory = wanted["to"]
    return max(vm.vcpus, int(vcpus)), max(vm.memory_mib, int(memory))
