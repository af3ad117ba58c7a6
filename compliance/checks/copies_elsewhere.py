"""What was written is at once on another node as well; whether that is another site, a person says."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql


def judge(proofs: Answers) -> Judgement:
    """Judge other nodes, the copies noted there, and replicated storage."""
    others = [row["name"] for row in rows(proofs[0].out) if not row["home"] and not row["why"]]
    shared = [
        row["name"] for row in rows(proofs[1].out) if row["kind"] == "rbd" and row["state"] == "ok"
    ]
    faults = []
    if not any(f'"{name}"' in proofs[2].out for name in others):
        faults.append(Text("记录没有传到其他节点", "the records reach no other node"))
    if not shared:
        faults.append(
            Text("业务数据没有跨节点副本", "the machines' data has no copy on another node")
        )
    return weigh(
        faults,
        2,
        Text(
            f"数据同步到 {len(others)} 个节点", f"Data is copied to {len(others)} nodes as it comes"
        ),
    )


CHECK = Check(
    id="copies_elsewhere",
    kind=Kind.CONTROLLER,
    title=Text("异地实时备份（机器部分）", "Copies elsewhere, as they come (the machine's part)"),
    items=("8.1.4.9.b",),
    questions=(
        sql("SELECT name, home, why FROM nodes ORDER BY name"),
        sql("SELECT name, kind, state FROM storages ORDER BY name"),
        command("sh", "-c", "cat /var/lib/hbox/worker/copies.json 2>/dev/null || true"),
    ),
    judge=judge,
)
