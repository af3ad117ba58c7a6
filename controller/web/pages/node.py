"""The nodes: what each is made of, and whether hardware virtualisation really works there."""

from flask.typing import ResponseReturnValue
from sqlalchemy import select

from controller.actions.nodes import InspectNode
from controller.records import nodes as records
from controller.records.tables import Vm
from controller.web.desk import Desk
from controller.web.route import READERS, SYSTEM, Route


def show(desk: Desk) -> ResponseReturnValue:
    """List the nodes."""
    with desk.records() as session:
        return desk.render("nodes.html", nodes=records.many(session))


def one(desk: Desk, name: str) -> ResponseReturnValue:
    """Show one node's hardware as last taken."""
    with desk.records() as session:
        node = records.get(session, name)
        vms = session.scalars(select(Vm).where(Vm.node == name).order_by(Vm.name)).all()
    return desk.render(
        "node.html", node=node, facts=node.facts or {}, vms=vms, may_inspect=desk.may(InspectNode)
    )


def inspect(desk: Desk, name: str) -> ResponseReturnValue:
    """Ask for the inventory to be taken again."""
    return desk.ask(InspectNode(node=name))


ROUTES = (
    Route("/nodes", show, READERS),
    Route("/nodes/<name>", one, READERS),
    Route("/nodes/<name>/inspect", inspect, SYSTEM, "POST"),
)
