"""The modules: state, health and open flows of each; one module in full; removal after a look."""

from flask.typing import ResponseReturnValue
from sqlalchemy import select

from controller.actions.base import Role
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor, find
from controller.records.tables import Job, VendorKey, Vm
from controller.web.desk import Desk
from controller.web.facts import jobs
from controller.web.facts.modules import all_of, view
from controller.web.route import STAFF, SYSTEM, Route


def show(desk: Desk) -> ResponseReturnValue:
    """List the modules; a vendor sees its own."""
    vendor = desk.principal.vendor if desk.principal.role is Role.VENDOR else None
    with desk.records() as session:
        modules = all_of(session, vendor)
        keys = session.scalars(select(VendorKey).order_by(VendorKey.vendor)).all()
    return desk.render(
        "modules.html",
        modules=modules,
        keys=[key for key in keys if vendor in (None, key.vendor)],
        may_install=desk.may(InstallModule),
        may_approve=desk.may(ApproveModule),
        may_trust=desk.may(TrustVendor),
    )


def one(desk: Desk, module_id: str) -> ResponseReturnValue:
    """Show one module: state, what the payload says of itself, its flows, its jobs."""
    with desk.records() as session:
        module = view(find(session, module_id))
        desk.see(vendor=module.row.vendor)
        vm = session.get(Vm, module.row.vm_id)
        query = select(Job).where(Job.object == f"module/{module_id}")
        history = session.scalars(query.order_by(Job.number.desc()).limit(10)).all()
    return desk.render(
        "module.html",
        module=module,
        vm=vm,
        jobs=history,
        elapsed=jobs.elapsed,
        may_remove=desk.may(RemoveModule),
        may_approve=desk.may(ApproveModule),
        vm_link=desk.principal.role is not Role.VENDOR,
    )


def before_remove(desk: Desk, module_id: str) -> ResponseReturnValue:
    """Say what removing takes away, before it is asked for."""
    with desk.records() as session:
        return desk.render("module_remove.html", module=view(find(session, module_id)))


def remove(desk: Desk, module_id: str) -> ResponseReturnValue:
    """Ask to remove it."""
    return desk.ask(RemoveModule(module_id=module_id))


ROUTES = (
    Route("/modules", show, STAFF),
    Route("/modules/<module_id>", one, STAFF),
    Route("/modules/<module_id>/remove", before_remove, SYSTEM),
    Route("/modules/<module_id>/remove", remove, SYSTEM, "POST"),
)
