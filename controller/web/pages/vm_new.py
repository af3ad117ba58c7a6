"""The form for a new virtual machine, with sensible values filled in."""

from collections.abc import Mapping

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict
from controller.actions.vms import ZONES, CreateVm
from controller.records.tables import Node, Vm
from controller.web.desk import Desk, text, ticked, whole
from controller.web.route import SYSTEM, Route
from controller.web.status import status_of


def show(desk: Desk) -> ResponseReturnValue:
    """Show the form."""
    return _form(desk, _defaults(desk))


def create(desk: Desk) -> ResponseReturnValue:
    """Ask for the machine; what the box refuses is said above the form, which keeps its values."""
    try:
        return desk.ask(_action())
    except (BadInput, Conflict) as error:
        given = dict(request.form.items())
        given.setdefault("start", "off")
        return _form(desk, given, error), status_of(error)


def _action() -> CreateVm:
    return CreateVm(
        vm_id=new_id(),
        name=text("name"),
        zone=text("zone"),
        node=text("node"),
        vcpus=whole("vcpus"),
        memory_mib=whole("memory_mib"),
        disk_gib=whole("disk_gib"),
        start=ticked("start"),
    )


def _form(desk: Desk, given: Mapping[str, str], error: BoxError | None = None) -> str:
    with desk.records() as session:
        nodes = session.scalars(select(Node.name).order_by(Node.name)).all()
    return desk.render("vm_new.html", given=given, zones=ZONES, nodes=nodes, error=error)


def _defaults(desk: Desk) -> dict[str, str]:
    with desk.records() as session:
        taken = set(session.scalars(select(Vm.name)))
    number = next(n for n in range(1, len(taken) + 2) if f"vm-{n}" not in taken)
    return {
        "name": f"vm-{number}",
        "zone": "intranet",
        "vcpus": "1",
        "memory_mib": "512",
        "disk_gib": "4",
        "start": "on",
    }


ROUTES = (Route("/vms/new", show, SYSTEM), Route("/vms/new", create, SYSTEM, "POST"))
