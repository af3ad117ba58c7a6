"""Reading virtual machines: one, many, and the modules that live in them."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.tables import Module, Vm


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
