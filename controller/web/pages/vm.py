"""One virtual machine: what it is, its disks, its jobs; start, and stop or delete after a look."""

from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.actions.vms import DeleteVm, StartVm, StopVm, find
from controller.records.tables import Job, Module, Volume
from controller.web.desk import Desk, ticked
from controller.web.facts import jobs as facts
from controller.web.route import READERS, SYSTEM, Route


def show(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Show the machine."""
    with desk.records() as session:
        shown = _shown(session, vm_id)
        object_name = f"vm/{vm_id}"
        jobs = session.scalars(
            select(Job).where(Job.object == object_name).order_by(Job.number.desc()).limit(10)
        ).all()
    busy = next((job for job in jobs if job.state in facts.ACTIVE), None)
    may = desk.may(StartVm) and busy is None
    return desk.render("vm.html", **shown, jobs=jobs, busy=busy, may=may, elapsed=facts.elapsed)


def start(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Ask to start it."""
    return desk.ask(StartVm(vm_id=vm_id))


def before_stop(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Say what stopping does, before it is asked for."""
    with desk.records() as session:
        return desk.render("vm_stop.html", **_shown(session, vm_id))


def stop(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Ask to stop it."""
    return desk.ask(StopVm(vm_id=vm_id, force=ticked("force")))


def before_delete(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Say what deleting takes away, before it is asked for."""
    with desk.records() as session:
        return desk.render("vm_delete.html", **_shown(session, vm_id))


def delete(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Ask to delete it."""
    return desk.ask(DeleteVm(vm_id=vm_id))


def _shown(session: Session, vm_id: str) -> dict[str, object]:
    vm = find(session, vm_id)
    volumes = session.scalars(select(Volume).where(Volume.vm_id == vm_id)).all()
    module = session.scalar(select(Module).where(Module.vm_id == vm_id))
    return {"vm": vm, "volumes": volumes, "module": module}


ROUTES = (
    Route("/vms/<vm_id>", show, READERS),
    Route("/vms/<vm_id>/start", start, SYSTEM, "POST"),
    Route("/vms/<vm_id>/stop", before_stop, SYSTEM),
    Route("/vms/<vm_id>/stop", stop, SYSTEM, "POST"),
    Route("/vms/<vm_id>/delete", before_delete, SYSTEM),
    Route("/vms/<vm_id>/delete", delete, SYSTEM, "POST"),
)
