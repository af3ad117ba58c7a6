"""Reading storages and the disks that bear them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.cluster import OsdDisk, Storage


def many(session: Session) -> list[Storage]:
    """Return the storages that every node reaches, by name."""
    return list(session.scalars(select(Storage).order_by(Storage.name)))


def get(session: Session, name: str) -> Storage:
    """Return a storage; raise `NotFound`."""
    found = session.get(Storage, name)
    if found is None:
        raise NotFound(what="存储 storage", name=name)
    return found


def disks(session: Session) -> list[OsdDisk]:
    """Return the disks of the replicated storage, by node and path."""
    return list(session.scalars(select(OsdDisk).order_by(OsdDisk.node, OsdDisk.path)))
