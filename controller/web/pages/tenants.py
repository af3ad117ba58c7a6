"""The tenants: departments or vendors whose machines are counted together, what each may take and has taken."""

from flask import request
from flask.typing import ResponseReturnValue

from appliance.errors import BadInput, BoxError, Conflict
from controller.web.deeds import Deed
from controller.web.desk import Desk, text, whole
from controller.web.facts import usage
from controller.web.route import READERS, SYSTEM, Route
from controller.web.status import status_of


def show(desk: Desk) -> ResponseReturnValue:
    """List the tenants with what they have taken."""
    return _page(desk)


def put(desk: Desk) -> ResponseReturnValue:
    """Ask for a tenant, or for other limits of one."""
    try:
        limits = {name: whole(name) for name in ("vms", "vcpus", "memory_mib", "disk_gib")}
        return desk.ask(desk.wish("tenant.set", name=text("name"), **limits))
    except (BadInput, Conflict) as error:
        return _page(desk, error), status_of(error)


def _page(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        shown = usage.tenants(session)
    return desk.render("tenants.html", tenants=shown, given=request.form, error=error)


ROUTES = (
    Route("/tenants", show, READERS),
    Route("/tenants", put, SYSTEM, "POST"),
    Deed("/tenants/<name>/remove", "tenant.remove", roles=SYSTEM).route(__name__),
)
