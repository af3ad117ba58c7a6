"""What was written is at once on another node as well; whether that is another site, a person says."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.copies import HOURS, NOTE, behind, noted
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

AT_ONCE = 0.25  # days: the copier comes every few minutes, and its account is read by the hour


def judge(proofs: Answers) -> Judgement:
    """Judge other nodes, how far the copies noted there lag behind the chain, and replicated storage."""
    others = [row["name"] for row in rows(proofs[0].out) if not row["home"] and not row["why"]]
    shared = [
        row["name"] for row in rows(proofs[1].out) if row["kind"] == "rbd" and row["state"] == "ok"
    ]
    faults = []
    note, hours = noted(proofs[2].out), rows(proofs[3].out)
    held = [behind(note[name], hours, proofs[3].at) for name in others if name in note]
    if not any(lacking is not None and lacking <= AT_ONCE for lacking in held):
        faults.append(
            Text(
                "记录没有及时传到其他节点" if held else "记录没有传到其他节点",
                "the records reach another node late"
                if held
                else "the records reach no other node",
            )
        )
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
        NOTE,
        HOURS,
    ),
    judge=judge,
)
