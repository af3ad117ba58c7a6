"""The list of jobs: what is running, what ran, for whom; filtered by state."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from controller.access import reach
from controller.actions.base import Role
from controller.records.tables import Job
from controller.web.desk import Desk
from controller.web.facts import jobs as facts
from controller.web.paging import number_before
from controller.web.route import EVERYBODY, Route

PAGE = 30
CHOICES = {
    "": (),
    "active": facts.ACTIVE,
    "succeeded": ("succeeded",),
    "failed": ("failed", "refused"),
    "cancelled": ("cancelled",),
}


def show(desk: Desk) -> ResponseReturnValue:
    """List jobs, newest first."""
    return desk.render("jobs.html", **_shown(desk))


def rows(desk: Desk) -> ResponseReturnValue:
    """Return the table alone, for the page's own renewal."""
    return desk.render("_jobs.html", **_shown(desk))


def visible(desk: Desk, session: Session) -> Select[Job]:
    """Return the query for the jobs that this reader may see: a vendor's are those of its modules."""
    query = select(Job).where(reach.jobs(desk.principal))
    if desk.principal.role is Role.VENDOR:
        query = query.where(Job.object.in_(facts.of_vendor(session, desk.principal.vendor)))
    return query


def _shown(desk: Desk) -> dict[str, object]:
    chosen = request.args.get("state", "")
    before = number_before()
    with desk.records() as session:
        query = visible(desk, session)
        if CHOICES.get(chosen):
            query = query.where(Job.state.in_(CHOICES[chosen]))
        if before is not None:
            query = query.where(Job.number < before)
        found = session.scalars(query.order_by(Job.number.desc()).limit(PAGE + 1)).all()
    return {
        "jobs": found[:PAGE],
        "older": found[PAGE - 1].number if len(found) > PAGE else None,
        "chosen": chosen,
        "choices": tuple(CHOICES),
        "alive": before is None and any(job.state in facts.ACTIVE for job in found),
        "elapsed": facts.elapsed,
    }


ROUTES = (Route("/jobs", show, EVERYBODY), Route("/jobs/rows", rows, EVERYBODY))
