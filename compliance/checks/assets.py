"""The box keeps a list of what it is made of: every node with its hardware and software, lately looked at."""

from appliance.errors import Text
from compliance.answers import age, held, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

OLD = 31.0  # days since a node was looked at
NEEDED = ("os", "kernel", "cpu", "memory", "nics", "disks")


def judge(proofs: Answers) -> Judgement:
    """Judge the nodes' facts; owner and place of an asset are for people to add."""
    nodes, counted = rows(proofs[0].out), rows(proofs[1].out)[0]
    if not nodes:
        return unknown("记录中没有节点", "The records know no node")
    faults = []
    for node in nodes:
        known = held(node["facts"]) if node["facts"] else {}
        lacking = [name for name in NEEDED if not known.get(name)]
        if lacking:
            faults.append(
                Text(f"节点 {node['name']} 缺少 {lacking}", f"node {node['name']} lacks {lacking}")
            )
        elif age(proofs[0].at, node["facts_at"]) > OLD:
            faults.append(
                Text(
                    f"节点 {node['name']} 一个月未盘点",
                    f"node {node['name']}: not looked at for a month",
                )
            )
    shown = f"{len(nodes)}/{counted['vms']}/{counted['modules']}"
    return weigh(
        faults,
        len(nodes),
        Text(f"节点/虚机/模块 {shown} 均在册", f"Nodes/VMs/modules on the list: {shown}"),
    )


CHECK = Check(
    id="assets",
    kind=Kind.CONTROLLER,
    title=Text("资产清单", "List of assets"),
    items=("8.1.10.2.a", "8.1.10.8.a", "8.1.9.8.a"),
    questions=(
        sql("SELECT name, facts, facts_at FROM nodes ORDER BY name"),
        sql("SELECT (SELECT COUNT(*) FROM vms) AS vms, (SELECT COUNT(*) FROM modules) AS modules"),
    ),
    judge=judge,
)
