"""Counting for `/metrics`: a handful of queries whose answers stay small however much there is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from controller.records.cluster import ApiToken, OsdDisk, Storage, Tenant
from controller.records.exchange import Alert, Transfer
from controller.records.tables import AuditEntry, ComplianceRun, Job, JobStep, Node, Vm

STEP_BOUNDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)  # seconds

Row = tuple[tuple[str, ...], float]
"""Label values and a figure."""


@dataclass(frozen=True)
class Steps:
    """Measured steps of one kind of job: how many took at most each bound, how many in all, seconds."""

    kind: str
    within: tuple[int, ...]
    count: int
    seconds: float


def jobs(session: Session) -> list[Row]:
    """Return how many jobs there are by kind and state."""
    query = select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state)
    return _rows(session.execute(query).all())


def oldest_waiting(session: Session) -> str | None:
    """Return when the oldest job that waits was asked for."""
    return session.scalar(select(func.min(Job.created_at)).where(Job.state == "waiting"))


def steps(session: Session, ended: Sequence[str]) -> list[Steps]:
    """Return the measured steps of jobs in the states `ended`, by kind."""
    within = [func.sum(case((JobStep.seconds <= bound, 1), else_=0)) for bound in STEP_BOUNDS]
    query = (
        select(Job.kind, func.count(), func.sum(JobStep.seconds), *within)
        .join(Job, Job.id == JobStep.job_id)
        .where(JobStep.seconds.is_not(None), Job.state.in_(ended))
        .group_by(Job.kind)
    )
    return [
        Steps(row[0], tuple(int(n) for n in row[3:]), int(row[1]), float(row[2]))
        for row in session.execute(query)
    ]


def vms(session: Session) -> list[Row]:
    """Return how many machines there are by node, wished and actual state."""
    by = (Vm.node, Vm.wished, Vm.actual)
    return _rows(session.execute(select(*by, func.count()).group_by(*by)).all())


def drifted(session: Session) -> int:
    """Return how many machines are otherwise than wished."""
    # JSON that is nothing is NULL in one database and the text null in the other.
    rows = session.scalars(select(Vm.drift).where(Vm.drift.is_not(None)))
    return sum(1 for drift in rows if drift)


def names(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Return the names of these machines by id."""
    found = {row[0]: row[1] for row in session.execute(select(Vm.id, Vm.name))}
    return {vm_id: found[vm_id] for vm_id in ids if vm_id in found}


def nodes(session: Session) -> list[Node]:
    """Return the nodes by name."""
    return list(session.scalars(select(Node).order_by(Node.name)))


def storages(session: Session) -> list[Storage]:
    """Return the storages by name."""
    return list(session.scalars(select(Storage).order_by(Storage.name)))


def disks(session: Session) -> list[Row]:
    """Return how many disks hold replicated data, by node and state."""
    by = (OsdDisk.node, OsdDisk.state)
    return _rows(session.execute(select(*by, func.count()).group_by(*by)).all())


def tenants(session: Session, most: int) -> list[Tenant]:
    """Return up to `most` tenants by name."""
    return list(session.scalars(select(Tenant).order_by(Tenant.name).limit(most)))


def alerts(session: Session) -> list[Row]:
    """Return how many alerts are open, by tone."""
    query = select(Alert.tone, func.count()).where(Alert.closed_at.is_(None)).group_by(Alert.tone)
    return _rows(session.execute(query).all())


def last_transfer(session: Session) -> int:
    """Return the number of the newest record of the gateway that is indexed."""
    return session.scalar(select(func.max(Transfer.number))) or 0


def undelivered(session: Session) -> list[Row]:
    """Return how many messages wait for their receiver or were given up."""
    states: ColumnElement[bool] = Transfer.state.in_(("accepted", "dead"))
    query = select(Transfer.state, func.count()).where(states).group_by(Transfer.state)
    return _rows(session.execute(query).all())


def audit_entries(session: Session) -> int:
    """Return the number of the newest audit entry."""
    return session.scalar(select(func.max(AuditEntry.number))) or 0


def last_compliance(session: Session) -> str | None:
    """Return when the last compliance run was."""
    return session.scalar(select(func.max(ComplianceRun.at)))


def living_tokens(session: Session, now: str) -> int:
    """Return how many API tokens are neither revoked nor run out."""
    alive = (ApiToken.revoked_at.is_(None), ApiToken.expires_at > now)
    return session.scalar(select(func.count()).select_from(ApiToken).where(*alive)) or 0


def _rows(found: Sequence[object]) -> list[Row]:
    return [(tuple(str(v) for v in row[:-1]), float(row[-1])) for row in found]  # type: ignore[index]
