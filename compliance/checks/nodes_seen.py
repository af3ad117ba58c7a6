"""Every node reports: it answered within the last minutes, and its state is known."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

LATE = 15 / 1440  # days: a quarter of an hour


def judge(proofs: Answers) -> Judgement:
    """Judge when each node last answered; the home node is the one that asks."""
    nodes = rows(proofs[0].out)
    if not nodes:
        return unknown("记录中没有节点", "The records know no node")
    faults = []
    for node in nodes:
        silent = not node["seen_at"] or age(proofs[0].at, node["seen_at"]) > LATE
        if (silent and not node["home"]) or node["why"]:
            faults.append(
                Text(f"节点 {node['name']} 未上报", f"node {node['name']} does not report")
            )
    return weigh(
        faults,
        len(nodes),
        Text(f"{len(nodes)} 个节点均在监测中", f"{len(nodes)} nodes, all watched"),
    )


CHECK = Check(
    id="nodes_seen",
    kind=Kind.CONTROLLER,
    title=Text("节点集中监测", "Nodes are watched centrally"),
    items=("8.1.5.4.c",),
    questions=(sql("SELECT name, state, home, seen_at, why FROM nodes ORDER BY name"),),
    judge=judge,
)
