"""Bringing in a module: trust a vendor's key (security), hand in its file and choose a machine (system)."""

import re

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from appliance.errors import BadInput, BoxError, Conflict, Refused, TooLarge
from controller.actions.modules import InstallModule, TrustVendor
from controller.jobs import uploads
from controller.records.tables import Module, VendorKey, Vm
from controller.web.desk import Desk, text
from controller.web.route import SECURITY, SYSTEM, Route
from controller.web.status import status_of

_FILE = re.compile(r"(?P<id>[a-z][a-z0-9-]{1,31})-\d+\.\d+\.\d+\.hmod")
_SLACK = 65536  # bytes of the form around the file
_SHOWN = (BadInput, Conflict, Refused, TooLarge)


def show(desk: Desk) -> ResponseReturnValue:
    """Show the form for a module file."""
    return _form(desk)


def install(desk: Desk) -> ResponseReturnValue:
    """Take the file in and ask for its installation."""
    try:
        return desk.ask(_action(desk))
    except _SHOWN as error:
        return _form(desk, error), status_of(error)


def before_trust(desk: Desk) -> ResponseReturnValue:
    """Show the form for a vendor's key."""
    return desk.render("module_trust.html", error=None, given={})


def trust(desk: Desk) -> ResponseReturnValue:
    """Ask to trust the key."""
    try:
        return desk.ask(TrustVendor(vendor=text("vendor"), pem=_key(), ids=text("ids")))
    except _SHOWN as error:
        page = desk.render("module_trust.html", error=error, given=request.form)
        return page, status_of(error)


def _key() -> str:
    # Browsers send CRLF; a PEM read from a file has LF.
    return text("pem").replace("\r\n", "\n") + "\n"


def _action(desk: Desk) -> InstallModule:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise BadInput(what="模块文件 module file", why="未选择 none chosen")
    named = _FILE.fullmatch(file.filename.rsplit("/", 1)[-1].rsplit("\\", 1)[-1])
    if named is None:
        raise BadInput(
            what="模块文件 module file",
            why="文件名应为 <标识>-<版本>.hmod the name must be <id>-<version>.hmod",
        )
    folder = desk.settings.state / "uploads"
    held = uploads.store(file.stream, folder, desk.settings.module_limit)
    return InstallModule(
        module_id=named["id"], vm_id=text("vm_id"), upload=held.name, digest=held.digest
    )


def _form(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        taken = set(session.scalars(select(Module.vm_id)))
        vms = session.scalars(
            select(Vm).where(Vm.wished == "running", Vm.actual == "running").order_by(Vm.name)
        )
        free = [vm for vm in vms if vm.id not in taken]
        keys = session.scalars(select(VendorKey).order_by(VendorKey.vendor)).all()
    limit = desk.settings.module_limit
    return desk.render("module_install.html", vms=free, keys=keys, error=error, limit=limit)


ROUTES = (
    Route("/modules/install", show, SYSTEM),
    Route("/modules/install", install, SYSTEM, "POST", takes_file=True),
    Route("/modules/trust", before_trust, SECURITY),
    Route("/modules/trust", trust, SECURITY, "POST"),
)
