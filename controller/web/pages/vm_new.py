"""The form for a new virtual machine: sensible values filled in, and where it would go shown before it is asked for."""

from collections.abc import Mapping

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict, Forbidden
from controller.access import reach
from controller.actions import placing
from controller.actions.vms import ZONES, CreateVm
from controller.actions.vms_asking import creation
from controller.records.cluster import Template, Tenant
from controller.records.tables import Node, Vm
from controller.web.desk import Desk, text, ticked, whole
from controller.web.route import OWNERS, Route
from controller.web.status import status_of


def show(desk: Desk) -> ResponseReturnValue:
    """Show the form."""
    return _form(desk, _defaults(desk))


def create(desk: Desk) -> ResponseReturnValue:
    """Ask for the machine; what the box refuses is said above the form, which keeps its values."""
    try:
        return desk.ask(_action(desk))
    except (BadInput, Conflict, Forbidden) as error:
        given = dict(request.form.items())
        given.setdefault("start", "off")
        return _form(desk, given, error), status_of(error)


def place(desk: Desk) -> ResponseReturnValue:
    """Say where such a machine would go now, and why; asked by the form while it is filled in."""
    try:
        with desk.records() as session:
            placed = placing.choice(session, _wanted(session)).as_dict()
    except BadInput as error:
        return desk.render("_place.html", error=error, placed=None)
    return desk.render("_place.html", error=None, placed=placed)


def _action(desk: Desk) -> CreateVm:
    words = ("name", "zone", "node", "tenant", "storage", "apart")
    asked = {
        **{name: text(name) for name in words},
        **{name: whole(name) for name in ("vcpus", "memory_mib", "disk_gib")},
        "start": ticked("start"),
        "template": text("template_id"),
        "user_data": text("user_data").replace("\r\n", "\n"),
    }
    with desk.records() as session:
        return creation(session, new_id(), asked)


def _wanted(session: Session) -> placing.Wanted:
    storage = placing.storage(session, text("storage"))
    return placing.Wanted(whole("vcpus"), whole("memory_mib"), storage, text("apart"))


def _form(desk: Desk, given: Mapping[str, str], error: BoxError | None = None) -> str:
    with desk.records() as session:
        templates = select(Template).where(Template.state == "ready")
        shown = {
            "nodes": session.scalars(select(Node.name).order_by(Node.name)).all(),
            "templates": session.scalars(templates.order_by(Template.name)).all(),
            "storages": ["dir", *placing.shared_storages(session)],
            "tenants": _tenants(session, desk),
        }
    return desk.render("vm_new.html", given=given, zones=ZONES, error=error, **shown)


def _tenants(session: Session, desk: Desk) -> list[str]:
    """Tenants for whom this reader may ask; a tenant may name only its own."""
    names = session.scalars(select(Tenant.name).order_by(Tenant.name)).all()
    mine = reach.tenants(desk.principal)
    return [""] * (mine is None) + [name for name in names if mine is None or name in mine]


def _defaults(desk: Desk) -> dict[str, str]:
    with desk.records() as session:
        taken = set(session.scalars(select(Vm.name)))
        storage = placing.storage(session)
    number = next(n for n in range(1, len(taken) + 2) if f"vm-{n}" not in taken)
    return {
        "name": f"vm-{number}",
        "zone": "intranet",
        "storage": storage,
        "vcpus": "1",
        "memory_mib": "512",
        "disk_gib": "4",
        "start": "on",
    }


ROUTES = (
    Route("/vms/new", show, OWNERS),
    Route("/vms/new", create, OWNERS, "POST"),
    Route("/vms/new/place.part", place, OWNERS, "POST"),
)
