"""What is asked of a node: configure, drain, restore, remove."""

import json

from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.actions import placing
from controller.actions.nodes_life import ConfigureNode, DrainNode, RemoveNode, RestoreNode
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import TextOut
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.nodes import ConfigureIn, DrainPlanOut, MoveOut
from controller.placement import Move
from controller.records import nodes


@route(
    Form(
        "POST",
        "/api/v1/nodes/<node>/configure",
        Text("配置节点", "Bring a node to its state"),
        ConfigureNode.roles,
        answer=JobOut,
        body=ConfigureIn,
        status=202,
    )
)
def configure_node(call: Call, node: str) -> Answer:
    """Submit the run of the roles."""
    return call.submit(ConfigureNode(node, call.json(ConfigureIn).dry_run))


@route(
    Form(
        "GET",
        "/api/v1/nodes/<node>/drain",
        Text("查看清空节点的计划", "Show what draining a node would do"),
        READERS,
        answer=DrainPlanOut,
    )
)
def drain_plan(call: Call, node: str) -> Answer:
    """Answer with every machine of the node and where it would go; nothing is changed."""

    def ask(session: Session) -> DrainPlanOut:
        nodes.get(session, node)
        return _plan(session, node)

    return Answer(call.read(ask))


@route(
    Form(
        "POST",
        "/api/v1/nodes/<node>/drain",
        Text("清空节点（进入维护）", "Drain a node (maintenance)"),
        DrainNode.roles,
        answer=JobOut,
        status=202,
    )
)
def drain_node(call: Call, node: str) -> Answer:
    """Decide where each machine goes and submit the moves."""

    def ask(session: Session) -> DrainPlanOut:
        nodes.get(session, node)
        return _plan(session, node)

    found = call.read(ask)
    moves = {move.vm_id: move.node for move in found.moves if move.node}
    return call.submit(DrainNode(node, json.dumps(moves, sort_keys=True)))


@route(
    Form(
        "POST",
        "/api/v1/nodes/<node>/restore",
        Text("恢复使用节点", "Use a node again"),
        RestoreNode.roles,
        answer=JobOut,
        status=202,
    )
)
def restore_node(call: Call, node: str) -> Answer:
    """Submit the end of its maintenance."""
    return call.submit(RestoreNode(node))


@route(
    Form(
        "DELETE",
        "/api/v1/nodes/<node>",
        Text("移除节点", "Remove a node"),
        RemoveNode.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_node(call: Call, node: str) -> Answer:
    """Submit its removal."""
    return call.submit(RemoveNode(node))


def _plan(session: Session, node: str) -> DrainPlanOut:
    row = nodes.get(session, node)
    if row.why is not None:
        return DrainPlanOut(node=node, away=row.why, moves=[])  # nothing can be moved from the dead
    moves = [_move(move) for move in placing.moves(session, node)]
    return DrainPlanOut(node=node, away=None, moves=moves)


def _move(move: Move) -> MoveOut:
    why = TextOut.of(move.why) if move.why is not None else None
    return MoveOut(vm_id=move.vm_id, name=move.name, node=move.node or None, why=why)
