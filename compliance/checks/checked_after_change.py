"""After nodes, storage or modules changed, the box was checked anew within a month."""

from appliance.errors import Text
from compliance.answers import days, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

MONTH = 31.0  # days


def judge(proofs: Answers) -> Judgement:
    """Judge the oldest major change that no run has seen yet; this run does not count as done."""
    changes, runs = rows(proofs[0].out), rows(proofs[1].out)
    last = runs[0]["at"] if runs else ""
    unseen = [row for row in changes if row["at"] > (last or "")]
    late = [row for row in unseen if days(proofs[0].at, row["at"]) > MONTH]
    faults = [
        Text(
            f"{row['at'][:10]} 的变更 {row['act']} 后未再检查",
            f"not checked since {row['act']} on {row['at'][:10]}",
        )
        for row in late
    ]
    good = Text(
        f"{len(changes)} 次重大变更后均已检查或未满一月",
        f"{len(changes)} major changes, all seen in time",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="checked_after_change",
    kind=Kind.CONTROLLER,
    title=Text("重大变更后重新测评", "Checked anew after a major change"),
    items=("8.1.9.9.b",),
    questions=(
        sql(
            "SELECT at, act, object FROM audit WHERE outcome = 'succeeded' AND act IN "
            "('node.join', 'node.remove', 'storage.setup', 'module.install', 'module.approve', "
            "'gateway.change.approve') ORDER BY number DESC LIMIT 100"
        ),
        sql("SELECT at FROM compliance_runs ORDER BY at DESC LIMIT 1"),
    ),
    judge=judge,
)
