"""Audit records carry time, person, kind of act, object and outcome."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

NEEDED = ("at", "actor", "role", "act", "object", "outcome")


def judge(proofs: Answers) -> Judgement:
    """Judge the latest records, field by field."""
    records = rows(proofs[0].out)
    if not records:
        return unknown("没有任何审计记录", "There is no audit record")
    faults = []
    for record in records:
        empty = [name for name in NEEDED if not record.get(name)]
        if empty:
            faults.append(
                Text(
                    f"第 {record['number']} 条缺少 {empty}",
                    f"record {record['number']} lacks {empty}",
                )
            )
    return weigh(
        faults,
        len(records),
        Text(f"最近 {len(records)} 条字段齐全", f"The last {len(records)} are complete"),
    )


CHECK = Check(
    id="audit_records",
    kind=Kind.CONTROLLER,
    title=Text("审计记录内容", "What audit records carry"),
    items=("8.1.4.3.a", "8.1.4.3.b", "8.1.10.6.e", "8.1.3.5.b"),
    questions=(
        sql(
            "SELECT number, at, actor, role, act, object, outcome FROM audit ORDER BY number DESC LIMIT 50"
        ),
    ),
    judge=judge,
)
