"""Approving a module: the security administrator reads every flow that will open, then decides."""

from flask.typing import ResponseReturnValue

from controller.actions.modules import ApproveModule, find
from controller.web.desk import Desk, text
from controller.web.facts.modules import view
from controller.web.route import SECURITY, Route


def show(desk: Desk, module_id: str) -> ResponseReturnValue:
    """List the flows that would open."""
    with desk.records() as session:
        return desk.render("approve.html", module=view(find(session, module_id)))


def approve(desk: Desk, module_id: str) -> ResponseReturnValue:
    """Ask to open them, for exactly the bundle that was shown."""
    return desk.ask(ApproveModule(module_id=module_id, digest=text("digest")))


ROUTES = (
    Route("/modules/<module_id>/approve", show, SECURITY),
    Route("/modules/<module_id>/approve", approve, SECURITY, "POST"),
)
