"""Mending from the console: what can be mended, the diff before it is, what was, and taking it back."""

from collections.abc import Iterable

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from appliance.errors import BoxError, NotFound
from compliance import remedies
from compliance.checks import CHECKS
from compliance.model import Verdict
from controller.actions.compliance import RunCompliance
from controller.actions.mending import LIMIT, MendFindings, PlanMending, UndoMending
from controller.records import compliance, mending, nodes
from controller.records.tables import Job
from controller.web.desk import Desk, text, ticked
from controller.web.route import READERS, Route

_TITLES = {check.id: check.title for check in CHECKS}


def show(desk: Desk) -> ResponseReturnValue:
    """Show per node what the newest run found wrong, with remedy or advice; and what was mended."""
    with desk.records() as session:
        newest = next(iter(compliance.runs(session, 1)), None)
        past = mending.mendings(session, 30)
        found = {node.name: _failing(session, node.name) for node in nodes.many(session)}
        return desk.render(
            "mending.html",
            run=newest,
            nodes=found,
            safe={node: _safe(held or ()) for node, held in found.items()},
            since=_since(past, newest.at) if newest else set(),
            titles=_TITLES,
            remedies={check: remedies.for_check(check) for check in _TITLES},
            advice=remedies.ADVICE,
            mendings=past,
            may_mend=desk.may(MendFindings),
            may_run=desk.may(RunCompliance),
        )


def plan(desk: Desk) -> ResponseReturnValue:
    """Ask for the dry run; its job leads to the diff."""
    names = text("remedies").replace(",", " ").split()
    with desk.records() as session:
        node = request.form.get("node", "").strip() or mending.home(session)
        found = mending.chosen(session, node, names, safe=not names)
    return desk.ask(PlanMending(node, ",".join(one.id for one in found)))


def planned(desk: Desk, job_id: str) -> ResponseReturnValue:
    """Show what a dry run said would change, with the button that makes it so; of other jobs, that they said nothing."""
    with desk.records() as session:
        job = session.get(Job, job_id)
        if job is None:
            raise NotFound(what="任务 job", name=job_id)
        told = job.kind == PlanMending.kind and bool(job.result)
        chosen = remedies.named(job.action["remedies"].split(",")) if told else ()
        return desk.render(
            "mending_plan.html",
            job=job,
            chosen=chosen,
            lockout=any(one.lockout for one in chosen),
            seconds_left=LIMIT,
            may_mend=desk.may(MendFindings),
        )


def mend(desk: Desk) -> ResponseReturnValue:
    """Ask for the mending whose diff was seen."""
    return desk.ask(MendFindings(text("node"), text("remedies"), LIMIT))


def undo(desk: Desk, job_id: str) -> ResponseReturnValue:
    """Ask that a mending be taken back."""
    with desk.records() as session:
        found = mending.mending(session, job_id)
    return desk.ask(UndoMending(found.node, found.id, ticked("force"), LIMIT))


def _failing(session: Session, node: str) -> list[mending.Failing] | None:
    """Return what failed there; None where no run, or no readable one, says so: that is not "nothing"."""
    try:
        return mending.failing(session, node)
    except BoxError:
        return None


def _safe(found: Iterable[mending.Failing]) -> int:
    """Return how many remedies "all that is safe" would be."""
    return len(remedies.safe_for(one.check for one in found))


def _since(past: Iterable[mending.Mending], run: str) -> set[tuple[str, str]]:
    """Return (node, check) of what was mended after the run and not taken back: the next run sees it."""
    return {
        (one.node, check)
        for one in past
        if one.at > run and not one.undone_by
        for check, verdicts in one.verdicts.items()
        if verdicts[-1] == Verdict.CONFORM
    }


ROUTES = (
    Route("/compliance/mending", show, READERS),
    Route("/compliance/mending/plan", plan, PlanMending.roles, "POST"),
    Route("/compliance/mending/plans/<job_id>", planned, READERS),
    Route("/compliance/mending", mend, MendFindings.roles, "POST"),
    Route("/compliance/mending/<job_id>/undo", undo, UndoMending.roles, "POST"),
)
