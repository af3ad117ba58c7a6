"""The list of virtual machines: the wished state beside the actual one; narrowed by what is searched."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, select

from controller.access import reach
from controller.records.tables import Job, Module, Node, Vm
from controller.web.desk import Desk
from controller.web.facts.jobs import ACTIVE
from controller.web.route import VIEWERS, Route

_STATES = ("running", "stopped", "paused", "unknown", "absent")


def show(desk: Desk) -> ResponseReturnValue:
    """List the machines."""
    return desk.render("vms.html", **_shown(desk))


def rows(desk: Desk) -> ResponseReturnValue:
    """Return the table alone, for the page's own renewal."""
    return desk.render("_vms.html", **_shown(desk))


def _shown(desk: Desk) -> dict[str, object]:
    wanted = {
        name: request.args.get(name, "")[:64]
        for name in ("name", "zone", "node", "tenant", "state")
    }
    with desk.records() as session:
        query = select(Vm).where(reach.vms(desk.principal), *_conditions(wanted))
        vms = session.scalars(query.order_by(Vm.zone, Vm.name).limit(1000)).all()
        modules = {module.vm_id: module for module in session.scalars(select(Module))}
        ids = [vm.job_id for vm in vms]
        pending = session.scalars(select(Job).where(Job.id.in_(ids), Job.state.in_(ACTIVE)))
        jobs = {job.id: job for job in pending}
        nodes = session.scalars(select(Node.name).order_by(Node.name)).all()
        mine = select(Vm.tenant).where(reach.vms(desk.principal), Vm.tenant != "").distinct()
        tenants = session.scalars(mine.order_by(Vm.tenant)).all()
    return {
        "vms": vms,
        "modules": modules,
        "jobs": jobs,
        "nodes": nodes,
        "tenants": tenants,
        "states": _STATES,
        "wanted": wanted,
        "narrowed": any(wanted.values()),
        "again": request.query_string.decode("ascii", "ignore"),
        "may_create": desk.offers("vm.create"),
        "may_start": desk.offers("vm.start"),
    }


def _conditions(wanted: dict[str, str]) -> list[ColumnElement[bool]]:
    found = [
        column == wanted[name]
        for name, column in (
            ("zone", Vm.zone),
            ("node", Vm.node),
            ("tenant", Vm.tenant),
            ("state", Vm.actual),
        )
        if wanted[name]
    ]
    if wanted["name"]:
        found.append(Vm.name.contains(wanted["name"], autoescape=True))
    return found


ROUTES = (Route("/vms", show, VIEWERS), Route("/vms/rows", rows, VIEWERS))
