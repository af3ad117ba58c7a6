"""Reading tenants: one, many, what each has been given and has taken; and who was granted what."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.cluster import Grant, Tenant
from controller.records.tables import Account, Vm, Volume


@dataclass(frozen=True)
class Usage:
    """What a tenant has taken: machines and volumes as wished, memory in MiB, disk in GiB."""

    vms: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0


def get(session: Session, name: str) -> Tenant:
    """Return a tenant; raise `NotFound`."""
    found = session.get(Tenant, name)
    if found is None:
        raise NotFound(what="租户 tenant", name=name)
    return found


def many(session: Session) -> list[Tenant]:
    """Return the tenants by name."""
    return list(session.scalars(select(Tenant).order_by(Tenant.name)))


def usage(session: Session) -> dict[str, Usage]:
    """Return what each tenant has taken, by name; who has taken nothing is not there.

    A machine counts from the wish for it until it is wished away, a system disk with its machine,
    a data volume by itself.
    """
    machines = (
        select(
            Vm.tenant,
            func.count(),
            func.sum(Vm.vcpus),
            func.sum(Vm.memory_mib),
            func.sum(Vm.disk_gib),
        )
        .where(Vm.wished != "absent")
        .group_by(Vm.tenant)
    )
    taken = {row[0]: Usage(row[1], row[2], row[3], row[4]) for row in session.execute(machines)}
    volumes = (
        select(Volume.tenant, func.sum(Volume.size_gib))
        .where(Volume.kind == "data", Volume.wished != "absent")
        .group_by(Volume.tenant)
    )
    for name, gib in session.execute(volumes):
        had = taken.get(name, Usage())
        taken[name] = Usage(had.vms, had.vcpus, had.memory_mib, had.disk_gib + gib)
    return taken


def grants(session: Session, account: str | None = None) -> list[tuple[Grant, str]]:
    """Return the grants, each with its account's name, by account and path; of one account where asked."""
    query = select(Grant, Account.name).join(Account, Account.id == Grant.account_id)
    if account is not None:
        query = query.where(Account.name == account)
    rows = session.execute(query.order_by(Account.name, Grant.path))
    return [(row[0], row[1]) for row in rows]


def grant(session: Session, grant_id: str) -> tuple[Grant, str]:
    """Return a grant and its account's name; raise `NotFound`."""
    found = session.get(Grant, grant_id)
    owner = session.get(Account, found.account_id) if found is not None else None
    if found is None or owner is None:
        raise NotFound(what="授权 grant", name=grant_id)
    return found, owner.name
