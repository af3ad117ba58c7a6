"""Reading volumes: one by name or id, what rests on it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.tables import Vm, Volume


def get(session: Session, name: str) -> Volume:
    """Return a volume by its name, its id (a data volume's owner alone will do), or `MACHINE.system`.

    Raises `NotFound`.
    """
    found = session.get(Volume, f"{name}/data") or session.scalar(
        select(Volume).where(Volume.name == name, Volume.name != "")
    )
    machine, _, kind = name.partition(".")
    if found is None and kind in ("system", "seed"):
        mine = select(Vm.id).where((Vm.name == machine) | (Vm.id == machine))
        owner = session.scalar(mine)
        found = session.get(Volume, f"{owner}/{kind}") if owner else None
    if found is None:
        raise NotFound(what="卷 volume", name=name)
    return found


def action_id(row: Volume) -> str:
    """Return how actions name the volume: a data volume by its owner, another by its whole id."""
    owner, _, kind = row.id.partition("/")
    return owner if kind == "data" else row.id
