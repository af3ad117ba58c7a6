"""Every machine or disk that went has left evidence that its storage was erased."""

import json

from appliance.errors import Text
from compliance.answers import rows
from compliance.checks.erasures import ERASED
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, unknown, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Compare the jobs that deleted with the evidence, job by job."""
    gone = rows(proofs[0].out)
    found = json.loads(proofs[1].out)
    if not gone:
        return not_applicable("没有虚机或磁盘被删除过", "No machine or disk was ever deleted")
    if found["unreadable"]:
        return unknown(
            f"清除凭证读不到：{found['unreadable']}",
            f"The evidence cannot be read: {found['unreadable']}",
        )
    bare = [row for row in gone if row["id"] not in found["jobs"]]
    faults = [
        Text(
            f"任务 {row['number']}（{row['kind']}）没有清除凭证",
            f"job {row['number']} ({row['kind']}): no evidence",
        )
        for row in bare
    ]
    return weigh(
        faults,
        len(gone),
        Text(f"{len(gone)} 次删除均有清除凭证", f"{len(gone)} deletions, evidence of each"),
    )


CHECK = Check(
    id="media_wiped",
    kind=Kind.CONTROLLER,
    title=Text("存储报废与重用前清除", "Storage is wiped before it goes"),
    items=("8.1.10.4.d",),
    questions=(
        sql(
            "SELECT id, number, kind, object FROM jobs WHERE state = 'succeeded' AND "
            "kind IN ('vm.delete', 'volume.delete') ORDER BY number DESC LIMIT 200"
        ),
        ERASED,
    ),
    judge=judge,
)
