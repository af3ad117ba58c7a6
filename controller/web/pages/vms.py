"""The list of virtual machines: the wished state beside the actual one."""

from flask.typing import ResponseReturnValue
from sqlalchemy import select

from controller.actions.vms import CreateVm, StartVm
from controller.records.tables import Job, Module, Vm
from controller.web.desk import Desk
from controller.web.facts.jobs import ACTIVE
from controller.web.route import READERS, Route


def show(desk: Desk) -> ResponseReturnValue:
    """List all machines."""
    return desk.render("vms.html", **_shown(desk))


def rows(desk: Desk) -> ResponseReturnValue:
    """Return the table alone, for the page's own renewal."""
    return desk.render("_vms.html", **_shown(desk))


def _shown(desk: Desk) -> dict[str, object]:
    with desk.records() as session:
        vms = session.scalars(select(Vm).order_by(Vm.zone, Vm.name)).all()
        modules = {module.vm_id: module for module in session.scalars(select(Module))}
        ids = [vm.job_id for vm in vms]
        pending = session.scalars(select(Job).where(Job.id.in_(ids), Job.state.in_(ACTIVE)))
        jobs = {job.id: job for job in pending}
    return {
        "vms": vms,
        "modules": modules,
        "jobs": jobs,
        "may_create": desk.may(CreateVm),
        "may_start": desk.may(StartVm),
    }


ROUTES = (Route("/vms", show, READERS), Route("/vms/rows", rows, READERS))
