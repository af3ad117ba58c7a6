"""Nodes: list, show, take the inventory again."""

from appliance.errors import Text
from controller.actions.nodes import InspectNode
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.nodes import NodeOut
from controller.records import nodes


@route(
    Form(
        "GET",
        "/api/v1/nodes",
        Text("列出节点", "List the nodes"),
        READERS,
        answer=Items[NodeOut],
    )
)
def list_nodes(call: Call) -> Answer:
    """Answer with the nodes by name."""
    found = call.read(nodes.many)
    return Answer(Items[NodeOut](items=[NodeOut.model_validate(row) for row in found]))


@route(
    Form("GET", "/api/v1/nodes/<node>", Text("查看节点", "Show a node"), READERS, answer=NodeOut)
)
def show_node(call: Call, node: str) -> Answer:
    """Answer with one node."""
    found = call.read(lambda session: nodes.get(session, node))
    return Answer(NodeOut.model_validate(found))


@route(
    Form(
        "POST",
        "/api/v1/nodes/<node>/inspect",
        Text("采集节点硬件信息", "Take a node's inventory"),
        InspectNode.roles,
        answer=JobOut,
        status=202,
    )
)
def inspect_node(call: Call, node: str) -> Answer:
    """Submit the inspection."""
    return call.submit(InspectNode(node))
