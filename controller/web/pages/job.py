"""One job: its steps with measured time, an estimate from earlier runs, its log, its error."""

import re

from flask import redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Forbidden, NotFound
from controller.access import reach
from controller.actions import ACTIONS
from controller.actions.base import Role
from controller.actions.mending import MendFindings, UndoMending
from controller.jobs.queue import cancel
from controller.records.session import transaction
from controller.records.tables import Job
from controller.web.desk import Desk
from controller.web.facts import jobs as facts
from controller.web.route import EVERYBODY, Route

_HOLDER = re.compile(r"#(\d+) ")
_RESULTS = {
    "run": "/compliance/runs/{}",
    "proof": "/gateway",
    "vm": "/vms/{}",
    "plan": "/compliance/mending/plans/{}",
    "code_file": "{}",
}


def show(desk: Desk, job_id: str) -> ResponseReturnValue:
    """Show the job; while it is active the page renews its own middle part."""
    return desk.render("job.html", **_shown(desk, job_id))


def live(desk: Desk, job_id: str) -> ResponseReturnValue:
    """Return the part that changes. Once the job is over it no longer asks to be renewed."""
    return desk.render("_job.html", **_shown(desk, job_id))


def stop(desk: Desk, job_id: str) -> ResponseReturnValue:
    """Cancel the job, or ask for it between two steps."""
    with transaction(desk.engine) as session:
        cancel(session, desk.principal, job_id)
    return redirect(f"/jobs/{job_id}", 303)


def _shown(desk: Desk, job_id: str) -> dict[str, object]:
    with desk.records() as session:
        job = session.get(Job, job_id)
        if job is None:
            raise NotFound(what="任务 job", name=job_id)
        _see(desk, session, job)
        view = facts.view(session, job)
        holder = _holder(session, job.blocked_by)
    return {
        "view": view,
        "job": job,
        "holder": holder,
        "may_cancel": _may_cancel(desk, job),
        "result": _result(job),
    }


def _holder(session: Session, blocked_by: str | None) -> Job | None:
    """Return the job that holds what this one waits for; the worker writes `#<number> <lock>`."""
    named = _HOLDER.match(blocked_by or "")
    return session.scalar(select(Job).where(Job.number == int(named[1]))) if named else None


def _result(job: Job) -> tuple[str, str] | None:
    """Return what came of the job as (kind, address or path), where there is something to see."""
    if job.kind in (MendFindings.kind, UndoMending.kind) and job.finished_at:
        return "mending", "/compliance/mending"
    held = job.result or {}
    kind = next((kind for kind in _RESULTS if kind in held), None)
    return (kind, _RESULTS[kind].format(held[kind])) if kind else None


def _see(desk: Desk, session: Session, job: Job) -> None:
    if desk.principal.bounds:
        mine = select(Job.id).where(Job.id == job.id, reach.jobs(desk.principal))
        if session.scalar(mine) is None:
            raise NotFound(what="任务 job", name=job.id)
    if desk.principal.role is not Role.VENDOR:
        return
    if job.object not in facts.of_vendor(session, desk.principal.vendor):
        raise Forbidden(role=desk.principal.role.value, what=f"/jobs/{job.id}")


def _may_cancel(desk: Desk, job: Job) -> bool:
    action = ACTIONS.get(job.kind)
    asked = job.actor == desk.principal.actor or (action is not None and desk.may(action))
    return asked and job.state in ("waiting", "running") and not job.cancel_asked


ROUTES = (
    Route("/jobs/<job_id>", show, EVERYBODY),
    Route("/jobs/<job_id>/live", live, EVERYBODY),
    Route("/jobs/<job_id>/cancel", stop, EVERYBODY, "POST"),
)
