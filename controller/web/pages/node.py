"""The nodes: what each is made of, how it is, what it carries; and emptying one, with its plan shown first."""

import json

from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controller.actions import placing
from controller.placement import Room
from controller.records import nodes as records
from controller.records.cluster import OsdDisk
from controller.records.tables import Job, Node, Vm
from controller.web.deeds import Deed
from controller.web.desk import Desk, text, ticked
from controller.web.facts.jobs import ACTIVE
from controller.web.route import READERS, SYSTEM, Route


def show(desk: Desk) -> ResponseReturnValue:
    """List the nodes."""
    with desk.records() as session:
        nodes = records.many(session)
        counted = session.execute(select(Vm.node, func.count()).group_by(Vm.node))
        loads = {row[0]: row[1] for row in counted}
    return desk.render("nodes.html", nodes=nodes, loads=loads)


def one(desk: Desk, name: str) -> ResponseReturnValue:
    """Show one node: its state, its hardware as last taken, its disks, its machines."""
    with desk.records() as session:
        node = records.get(session, name)
        vms = session.scalars(select(Vm).where(Vm.node == name).order_by(Vm.name)).all()
        disks = select(OsdDisk).where(OsdDisk.node == name).order_by(OsdDisk.path)
        query = select(Job).where(Job.object == f"node/{name}")
        return desk.render(
            "node.html",
            node=node,
            facts=node.facts or {},
            vms=vms,
            osds=session.scalars(disks).all(),
            busy=session.scalar(query.where(Job.state.in_(ACTIVE)).limit(1)),
            room=_room(session, node),
        )


def before_drain(desk: Desk, name: str) -> ResponseReturnValue:
    """Show where every machine would go, and which cannot, before the node is emptied."""
    with desk.records() as session:
        node = records.get(session, name)
        moves = () if node.why else placing.moves(session, name)
    plan = json.dumps(dict(placing.as_mapping(moves)), sort_keys=True)
    return desk.render("node_drain.html", node=node, moves=moves, plan=plan)


def before_remove(desk: Desk, name: str) -> ResponseReturnValue:
    """Say what removing a node takes, and what still stands against it."""
    with desk.records() as session:
        node = records.get(session, name)
        vms = session.scalars(select(Vm).where(Vm.node == name).order_by(Vm.name)).all()
        disks = select(OsdDisk).where(OsdDisk.node == name, OsdDisk.state != "gone")
        osds = session.scalars(disks).all()
    return desk.render("node_remove.html", node=node, vms=vms, osds=osds)


def _room(session: Session, node: Node) -> Room | None:
    return next((room for room in placing.rooms(session) if room.name == node.name), None)


ROUTES = (
    Route("/nodes", show, READERS),
    Route("/nodes/<name>", one, READERS),
    Route("/nodes/<name>/drain", before_drain, SYSTEM),
    Route("/nodes/<name>/remove", before_remove, SYSTEM),
    *(
        deed.route(__name__)
        for deed in (
            Deed("/nodes/<node>/inspect", "node.inspect", roles=SYSTEM),
            Deed("/nodes/<node>/configure", "node.configure", {"dry": ticked}, roles=SYSTEM),
            Deed("/nodes/<node>/drain", "node.drain", {"moves": text}, roles=SYSTEM),
            Deed("/nodes/<node>/restore", "node.restore", roles=SYSTEM),
            Deed("/nodes/<node>/remove", "node.remove", roles=SYSTEM),
        )
    ),
)
