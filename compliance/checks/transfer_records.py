"""Everything that met the gateway is on record: who asked, when, on which channel, and what became of it."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import sql

NEEDED = ("at", "verdict", "state", "hash")


def judge(proofs: Answers) -> Judgement:
    """Judge the latest records, and that the index of the journal never broke off."""
    found, index = rows(proofs[0].out), rows(proofs[1].out)
    if not found:
        return not_applicable("尚无任何交换", "Nothing has met the gateway yet")
    faults = []
    for row in found:
        empty = [name for name in NEEDED if not row.get(name)]
        empty += [] if row.get("peer") or row.get("address") else ["peer"]
        if empty:
            faults.append(
                Text(f"第 {row['number']} 条缺少 {empty}", f"record {row['number']} lacks {empty}")
            )
    if any(row["broken"] for row in index):
        faults.append(Text("交换日志的索引已中断", "the index of the journal broke off"))
    good = Text(
        f"最近 {len(found)} 次交换均有完整记录",
        f"The last {len(found)} exchanges are on record whole",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="transfer_records",
    kind=Kind.BOUNDARY,
    title=Text("边界审计覆盖每次交换", "Every exchange is audited"),
    items=("8.1.3.5.a", "8.1.3.5.b"),
    questions=(
        sql(
            "SELECT number, at, channel, verdict, state, peer, address, hash FROM transfers "
            "ORDER BY number DESC LIMIT 50"
        ),
        sql("SELECT number, broken FROM journal_index"),
    ),
    judge=judge,
)
