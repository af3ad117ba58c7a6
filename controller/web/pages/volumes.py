"""The volumes: disks of their own that machines borrow; one volume with what can be asked of it."""

from collections.abc import Mapping

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict, Forbidden, NotFound
from controller.access import reach
from controller.actions import placing
from controller.records import nodes
from controller.records.cluster import Tenant
from controller.records.tables import Job, Node, Vm, Volume
from controller.web.deeds import Deed
from controller.web.desk import Desk, text, ticked, whole
from controller.web.facts import jobs as facts
from controller.web.route import OWNERS, VIEWERS, Route
from controller.web.status import status_of

_KIND = "data"


def show(desk: Desk) -> ResponseReturnValue:
    """List the data volumes."""
    return _list(desk)


def create(desk: Desk) -> ResponseReturnValue:
    """Ask for a volume; what the box refuses is said above the form."""
    try:
        storage = text("storage")
        wish = desk.wish(
            "volume.create",
            volume_id=new_id(),
            name=text("name"),
            gib=whole("gib"),
            storage=storage,
            node=text("node") if storage == placing.OWN else "",
            tenant=text("tenant"),
        )
        return desk.ask(wish)
    except (BadInput, Conflict, Forbidden) as error:
        return _list(desk, error), status_of(error)


def one(desk: Desk, volume_id: str) -> ResponseReturnValue:
    """Show one volume."""
    with desk.records() as session:
        volume = _find(session, desk, volume_id)
        objects = (f"volume/{volume_id}", f"volume/{volume.id}")
        history = select(Job).where(Job.object.in_(objects)).order_by(Job.number.desc())
        jobs = session.scalars(history.limit(10)).all()
        machines = select(Vm).where(reach.vms(desk.principal), Vm.actual != "absent")
        if volume.storage == placing.OWN:
            machines = machines.where(Vm.node == volume.node)
        return desk.render(
            "volume.html",
            volume=volume,
            volume_id=volume_id,
            vm=session.get(Vm, volume.vm_id) if volume.vm_id else None,
            machines=session.scalars(machines.order_by(Vm.name)).all(),
            storages=[placing.OWN, *placing.shared_storages(session)],
            nodes=nodes.many(session),
            jobs=jobs,
            busy=next((job for job in jobs if job.state in facts.ACTIVE), None),
            elapsed=facts.elapsed,
        )


def before_delete(desk: Desk, volume_id: str) -> ResponseReturnValue:
    """Say what deleting a volume does to what it holds."""
    with desk.records() as session:
        volume = _find(session, desk, volume_id)
    return desk.render("volume_delete.html", volume=volume, volume_id=volume_id)


def _find(session: Session, desk: Desk, volume_id: str) -> Volume:
    found = _row(session, volume_id)
    told = NotFound(what="卷 volume", name=volume_id[:64])
    reach.see(session, desk.principal, f"volume/{found.id}", told)
    return found


def _list(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        mine = select(Volume).where(Volume.kind == _KIND, reach.volumes(desk.principal))
        names = reach.tenants(desk.principal)
        tenants = session.scalars(select(Tenant.name).order_by(Tenant.name)).all()
        return desk.render(
            "volumes.html",
            volumes=session.scalars(mine.order_by(Volume.name)).all(),
            machines={vm.id: vm.name for vm in session.scalars(select(Vm))},
            storages=[placing.OWN, *placing.shared_storages(session)],
            preferred=placing.storage(session),
            nodes=session.scalars(select(Node.name).order_by(Node.name)).all(),
            tenants=[""] * (names is None) + [n for n in tenants if names is None or n in names],
            given=request.form,
            error=error,
        )


def _holder(session: Session, parts: Mapping[str, str]) -> dict[str, str | int | bool]:
    """The machine that has the volume now: the action names it, so that it is locked too."""
    return {"vm_id": _row(session, parts["volume_id"]).vm_id or ""}


def _place(session: Session, parts: Mapping[str, str]) -> dict[str, str | int | bool]:
    """Where the volume lies now; a shared storage takes no node."""
    row = _row(session, parts["volume_id"])
    own = text("storage") == placing.OWN
    return {
        "vm_id": row.vm_id or "",
        "source": row.storage,
        "source_node": row.node,
        "node": text("node") if own else "",
    }


def _row(session: Session, volume_id: str) -> Volume:
    found = session.get(Volume, f"{volume_id}/{_KIND}")
    if found is None:
        raise NotFound(what="卷 volume", name=volume_id[:64])
    return found


_ONE = "/volumes/<volume_id>"
_NAMED = {"name": text}
ROUTES = (
    Route("/volumes", show, VIEWERS),
    Route("/volumes", create, OWNERS, "POST"),
    Route(_ONE, one, VIEWERS),
    Route(f"{_ONE}/delete", before_delete, OWNERS),
    *(
        deed.route(__name__)
        for deed in (
            Deed(f"{_ONE}/attach", "volume.attach", {"vm_id": text}),
            Deed(f"{_ONE}/detach", "volume.detach", finds=_holder),
            Deed(f"{_ONE}/grow", "volume.grow", {"gib": whole}, finds=_holder),
            Deed(f"{_ONE}/snapshots", "volume.snapshot", _NAMED, finds=_holder),
            Deed(f"{_ONE}/rollback", "volume.rollback", _NAMED, finds=_holder),
            Deed(f"{_ONE}/snapshots/drop", "volume.snapshot.drop", _NAMED, finds=_holder),
            Deed(
                "/volumes/<origin>/clone",
                "volume.clone",
                {"snapshot": text, "name": text, "full": ticked},
                fresh=("volume_id",),
            ),
            Deed(f"{_ONE}/move", "volume.move", {"storage": text}, finds=_place),
            Deed(f"{_ONE}/delete", "volume.delete"),
        )
    ),
)
