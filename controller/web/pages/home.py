"""The first page, one per reader: is all well, what needs me, what is running; and the drawing."""

import datetime as dt

from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import clock
from controller.access import reach
from controller.actions.base import Role
from controller.actions.compliance import RunCompliance
from controller.records.exchange import Proof
from controller.records.tables import ComplianceRun, Job, Vm
from controller.web.desk import Desk
from controller.web.drawings import topology
from controller.web.facts import inspection, jobs, modules, needs, proofs, scene, transfers, usage
from controller.web.route import EVERYBODY, READERS, Route

_DAY = dt.timedelta(days=1)


def show(desk: Desk) -> ResponseReturnValue:
    """Show the reader's own first page."""
    if desk.principal.role is Role.VENDOR:
        return desk.render("home_vendor.html", **_vendor(desk))
    if desk.principal.role is Role.TENANT:
        return desk.render("home_tenant.html", **_tenant(desk))
    if desk.principal.role is Role.AUDITOR:
        return desk.render("home_auditor.html", **_auditor(desk))
    return desk.render("home.html", **_operations(desk))


def live(desk: Desk) -> ResponseReturnValue:
    """Return the parts that change, for the page's own renewal."""
    return desk.render("_home.html", **_operations(desk))


def _operations(desk: Desk) -> dict[str, object]:
    with desk.records() as session:
        found = needs.found(session)
        mine = [need for need in found if desk.principal.role in need.mender]
        running = jobs.active(session)
        views = [jobs.view(session, job) for job in running if job.state != "waiting"]
        return {
            "needs": mine + [need for need in found if need not in mine],
            "mine": mine,
            "lamp": needs.lamp(found),
            "views": views,
            "waiting": [job for job in running if job.state == "waiting"],
            "scenes": scene.scenes(session, desk.settings.state / "gateway"),
            "wide": topology.wide,
            "tall": topology.tall,
            "violated": lambda run: inspection.counts(run)["violated"],
            **_figures(session),
        }


def _figures(session: Session) -> dict[str, object]:
    states = session.execute(select(Vm.actual, func.count()).group_by(Vm.actual))
    all_modules = modules.all_of(session)
    seen = transfers.counts(session, clock.now() - _DAY)
    return {
        "vms": dict(states.all()),
        "modules": all_modules,
        "passed": seen["passed"],
        "refused": seen["refused"],
        "run": inspection.latest(session),
    }


def _vendor(desk: Desk) -> dict[str, object]:
    with desk.records() as session:
        mine = modules.all_of(session, desk.principal.vendor)
        query = select(Job).where(Job.object.in_(jobs.of_vendor(session, desk.principal.vendor)))
        history = session.scalars(query.order_by(Job.number.desc()).limit(10)).all()
    return {"modules": mine, "jobs": history, "elapsed": jobs.elapsed}


def _tenant(desk: Desk) -> dict[str, object]:
    with desk.records() as session:
        mine = select(Vm).where(reach.vms(desk.principal)).order_by(Vm.name)
        history = select(Job).where(reach.jobs(desk.principal)).order_by(Job.number.desc())
        return {
            "vms": session.scalars(mine).all(),
            "tenants": usage.tenants(session, reach.tenants(desk.principal)),
            "jobs": session.scalars(history.limit(10)).all(),
            "elapsed": jobs.elapsed,
        }


def _auditor(desk: Desk) -> dict[str, object]:
    with desk.records() as session:
        proof = session.scalar(select(Proof).order_by(Proof.at.desc()).limit(1))
        query = select(ComplianceRun).order_by(ComplianceRun.at.desc())
        return {
            "run": inspection.latest(session),
            "runs": session.scalars(query.limit(5)).all(),
            "counts": inspection.counts,
            "verdicts": inspection.WORST_FIRST,
            "proof": proofs.view(proof) if proof else None,
            "may_run": desk.may(RunCompliance),
        }


ROUTES = (Route("/", show, EVERYBODY), Route("/home/live", live, READERS))
