"""No single machine brings the box down: at least two nodes are up, and disks are held by several."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge the nodes in service and the storages."""
    nodes = [row for row in rows(proofs[0].out) if row["state"] == "active" and not row["why"]]
    shared = [row for row in rows(proofs[1].out) if row["kind"] == "rbd"]
    faults = []
    if len(nodes) < 2:
        faults.append(Text(f"可用节点只有 {len(nodes)} 个", f"only {len(nodes)} node is up"))
    if not shared:
        faults.append(Text("没有跨节点的存储", "no storage spans several nodes"))
    faults += [
        Text(f"存储 {row['name']}：{row['state']}", f"storage {row['name']}: {row['state']}")
        for row in shared
        if row["state"] != "ok"
    ]
    return weigh(
        faults,
        2,
        Text(f"{len(nodes)} 个节点互为冗余", f"{len(nodes)} nodes stand in for each other"),
    )


CHECK = Check(
    id="redundancy",
    kind=Kind.CONTROLLER,
    title=Text("关键设备冗余", "Key hardware is there twice"),
    items=("8.1.2.1.e", "8.1.4.9.c"),
    questions=(
        sql("SELECT name, state, why FROM nodes ORDER BY name"),
        sql("SELECT name, kind, state FROM storages ORDER BY name"),
    ),
    judge=judge,
)
