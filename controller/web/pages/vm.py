"""One virtual machine: what it is, its parts, its jobs; stopping and deleting after a look."""

from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.access import reach
from controller.actions.vms import DeleteVm, StopVm
from controller.actions.vms_one import VmGone, find
from controller.records.cluster import ConsoleSession
from controller.records.tables import Job, Node, Vm
from controller.web.desk import Desk, ticked
from controller.web.facts import jobs as facts
from controller.web.facts.machines import MachineView, view
from controller.web.route import OWNERS, VIEWERS, Route


def show(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Show the machine."""
    with desk.records() as session:
        shown = _seen(session, desk, vm_id)
        object_name = f"vm/{vm_id}"
        jobs = session.scalars(
            select(Job).where(Job.object == object_name).order_by(Job.number.desc()).limit(10)
        ).all()
        looks = select(ConsoleSession).where(ConsoleSession.vm_id == vm_id)
        watchers = session.scalars(looks.where(ConsoleSession.state == "open")).all()
        nodes = session.scalars(select(Node.name).order_by(Node.name)).all()
    busy = next(
        (job for job in jobs if job.state in facts.ACTIVE and job.kind != "vm.console"), None
    )
    return desk.render(
        "vm.html",
        view=shown,
        vm=shown.row,
        jobs=jobs,
        busy=busy,
        idle=busy is None,
        watchers=watchers,
        nodes=nodes,
        elapsed=facts.elapsed,
    )


def before_stop(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Say what stopping does, before it is asked for."""
    return _before(desk, "vm_stop.html", vm_id)


def stop(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Ask to stop it."""
    return desk.ask(StopVm(vm_id=vm_id, force=ticked("force")))


def before_delete(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Say what deleting takes away, before it is asked for."""
    return _before(desk, "vm_delete.html", vm_id)


def delete(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Ask to delete it."""
    return desk.ask(DeleteVm(vm_id=vm_id))


def before_rollback(desk: Desk, vm_id: str, snapshot_id: str) -> ResponseReturnValue:
    """Say what a rollback throws away, before it is asked for."""
    with desk.records() as session:
        shown = _seen(session, desk, vm_id)
    kept = [one for one in shown.snapshots if one.id == snapshot_id]
    if not kept:
        raise VmGone(what="快照 snapshot", name=snapshot_id[:64])
    return desk.render("vm_rollback.html", view=shown, vm=shown.row, snapshot=kept[0])


def _before(desk: Desk, template: str, vm_id: str) -> ResponseReturnValue:
    with desk.records() as session:
        shown = _seen(session, desk, vm_id)
    parts = {"vm": shown.row, "volumes": shown.volumes, "module": shown.module}
    return desk.render(template, view=shown, **parts)


def _seen(session: Session, desk: Desk, vm_id: str) -> MachineView:
    vm: Vm = find(session, vm_id)
    told = VmGone(what="虚拟机 virtual machine", name=vm_id)
    reach.see(session, desk.principal, f"vm/{vm_id}", told)
    return view(session, vm)


ROUTES = (
    Route("/vms/<vm_id>", show, VIEWERS),
    Route("/vms/<vm_id>/stop", before_stop, OWNERS),
    Route("/vms/<vm_id>/stop", stop, OWNERS, "POST"),
    Route("/vms/<vm_id>/delete", before_delete, OWNERS),
    Route("/vms/<vm_id>/delete", delete, OWNERS, "POST"),
    Route("/vms/<vm_id>/snapshots/<snapshot_id>/rollback", before_rollback, OWNERS),
)
