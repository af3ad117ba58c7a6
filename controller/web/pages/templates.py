"""The templates that machines are made from: import a file, check it again, remove one."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict, NotFound, Refused
from controller.records.cluster import Template
from controller.records.tables import Vm
from controller.web.deeds import Deed
from controller.web.desk import Desk, text
from controller.web.route import READERS, SYSTEM, Route
from controller.web.status import status_of

_SHOWN = (BadInput, Conflict, NotFound, Refused)


def show(desk: Desk) -> ResponseReturnValue:
    """List the templates, with the form for a new one."""
    return _page(desk)


def take(desk: Desk) -> ResponseReturnValue:
    """Ask for the import of a file that the page has handed in; it is examined before anything uses it."""
    try:
        fields = {name: text(name) for name in ("name", "version", "upload", "digest", "boot")}
        return desk.ask(desk.wish("template.import", template_id=new_id(), **fields))
    except _SHOWN as error:
        return _page(desk, error), status_of(error)


def _page(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        rows = session.scalars(select(Template).order_by(Template.name, Template.version)).all()
        counted = select(Vm.template_id, func.count()).group_by(Vm.template_id)
        used = {row[0]: row[1] for row in session.execute(counted)}
    return desk.render(
        "templates.html",
        templates=rows,
        used=used,
        given=request.form,
        error=error,
    )


ROUTES = (
    Route("/templates", show, READERS),
    Route("/templates", take, SYSTEM, "POST"),
    Deed("/templates/<template_id>/check", "template.check", roles=SYSTEM).route(__name__),
    Deed("/templates/<template_id>/remove", "template.remove", roles=SYSTEM).route(__name__),
)
