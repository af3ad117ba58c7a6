"""Reading modules and the keys of their vendors."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.tables import Module, VendorKey


def get(session: Session, module_id: str) -> Module:
    """Return a module; raise `NotFound`."""
    found = session.get(Module, module_id)
    if found is None:
        raise NotFound(what="模块 module", name=module_id)
    return found


def many(session: Session, *, vendor: str | None = None) -> list[Module]:
    """Return the modules by id, of one vendor where asked."""
    query = select(Module).order_by(Module.id)
    if vendor is not None:
        query = query.where(Module.vendor == vendor)
    return list(session.scalars(query))


def keys(session: Session, *, vendor: str | None = None) -> list[VendorKey]:
    """Return the trusted keys by vendor."""
    query = select(VendorKey).order_by(VendorKey.vendor, VendorKey.added_at)
    if vendor is not None:
        query = query.where(VendorKey.vendor == vendor)
    return list(session.scalars(query))


def counts(session: Session) -> dict[str, int]:
    """Return how many modules are in each state."""
    rows = session.execute(select(Module.state, func.count()).group_by(Module.state))
    return {row[0]: row[1] for row in rows}
