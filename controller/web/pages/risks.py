"""Risks first: every high-risk case and major-risk trigger of the newest run; and what moved between two runs."""

from flask import request
from flask.typing import ResponseReturnValue

from compliance.checks import CHECKS
from compliance.differences import CAUSE_TEXT, Cause, compare
from compliance.model import Verdict
from controller.records import compared, compliance
from controller.web.desk import Desk
from controller.web.facts import moved
from controller.web.route import READERS, Route

_TITLES = {check.id: check.title for check in CHECKS}
_ACUTE = ("open", "unseen", "downgraded")


def show(desk: Desk) -> ResponseReturnValue:
    """Show the risks, major first, the worst first; each with what would lower it and who can prove that."""
    with desk.records() as session:
        runs, held = compliance.runs(session, 1), compared.newest(session)
    report = held or {"risks": [], "risk_count": {}}
    state = request.args.get("state", "")
    chosen = [
        one
        for one in report["risks"]
        if one["state"] == state or (not state and one["state"] in _ACUTE)
    ]
    states = [one["state"] for one in report["risks"]]
    return desk.render(
        "risks.html",
        run=runs[0] if held else None,
        risks=chosen,
        count=report["risk_count"],
        states={name: states.count(name) for name in (*_ACUTE, "closed")},
        state=state,
    )


def differences(desk: Desk) -> ResponseReturnValue:
    """Show what moved between two runs; the two newest where none are chosen."""
    with desk.records() as session:
        runs = compliance.runs(session, 60)
        after = request.args.get("after") or (runs[0].id if runs else "")
        before = request.args.get("before") or (runs[1].id if len(runs) > 1 else after)
        pair = compared.pair(session, before, after) if before else None
        found = compare(*pair, compared.changes(session)) if pair else None
    return desk.render(
        "differences.html",
        runs=runs,
        before=before,
        after=after,
        found=found,
        lines=moved.lines(*pair, found) if pair and found else {},
        titles=_TITLES,
        verdicts=[str(verdict) for verdict in Verdict],
        causes={str(cause): CAUSE_TEXT[cause] for cause in Cause},
    )


ROUTES = (
    Route("/compliance/risks", show, READERS),
    Route("/compliance/differences", differences, READERS),
)
