"""Reading virtual machines: one, many, the modules that live in them, what belongs to them."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.cluster import Nic, Snapshot
from controller.records.tables import Module, Vm, Volume


@dataclass(frozen=True)
class Beside:
    """The rows that stand beside a machine's own."""

    nics: tuple[Nic, ...]
    disks: tuple[Volume, ...]
    snapshots: tuple[Snapshot, ...]


def get(session: Session, name: str) -> Vm:
    """Return a machine by its id or name; raise `NotFound`."""
    found = session.get(Vm, name) or session.scalar(select(Vm).where(Vm.name == name))
    if found is None:
        raise NotFound(what="虚拟机 virtual machine", name=name)
    return found


def many(session: Session, *, zone: str | None = None, node: str | None = None) -> list[Vm]:
    """Return the machines by name, of one zone or node where asked."""
    query = select(Vm).order_by(Vm.name)
    if zone is not None:
        query = query.where(Vm.zone == zone)
    if node is not None:
        query = query.where(Vm.node == node)
    return list(session.scalars(query))


def modules(session: Session) -> dict[str, str]:
    """Return which module lives in which machine: machine id to module id."""
    rows = session.execute(select(Module.vm_id, Module.id))
    return {row[0]: row[1] for row in rows}


def counts(session: Session) -> dict[str, int]:
    """Return how many machines are in each actual state."""
    rows = session.execute(select(Vm.actual, func.count()).group_by(Vm.actual))
    return {row[0]: row[1] for row in rows}


def beside(session: Session, vm_id: str) -> Beside:
    """Return what belongs to a machine: further interfaces, disks, snapshots, each in its order."""
    nics = select(Nic).where(Nic.vm_id == vm_id).order_by(Nic.position)
    disks = select(Volume).where(Volume.vm_id == vm_id).order_by(Volume.created_at, Volume.id)
    kept = select(Snapshot).where(Snapshot.vm_id == vm_id).order_by(Snapshot.created_at)
    return Beside(
        tuple(session.scalars(nics)), tuple(session.scalars(disks)), tuple(session.scalars(kept))
    )


def drifted(session: Session) -> list[Vm]:
    """Return the machines that the engines hold otherwise than wished, by name."""
    # An emptied JSON column may hold the JSON word null: only the value itself tells.
    return [vm for vm in many(session) if vm.drift]
