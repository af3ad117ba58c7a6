"""The audit administrator works with the records: within a month somebody of that role came and looked."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

MONTH = 31.0  # days


def judge(proofs: Answers) -> Judgement:
    """Judge the newest act of the role on the chain; what was concluded is for a person to show."""
    acts, born = rows(proofs[0].out), rows(proofs[1].out)
    if not born or not born[0]["at"]:
        return unknown("没有任何审计记录", "There is no audit record")
    last = acts[0]["at"] if acts else ""
    since = age(proofs[0].at, last or born[0]["at"])
    faults = []
    if since > MONTH:
        faults.append(
            Text("审计管理员一个月内没有查阅", "the audit administrator did not look for a month")
        )
    if not last and not faults:
        return unknown(
            "启用未满一月，审计管理员尚未查阅",
            "Younger than a month; the audit administrator did not come yet",
        )
    return weigh(
        faults,
        1,
        Text(
            f"审计管理员最近操作 {last[:10]}", f"The audit administrator last acted on {last[:10]}"
        ),
    )


CHECK = Check(
    id="log_review",
    kind=Kind.CONTROLLER,
    title=Text("审计记录定期分析", "Audit records are looked through"),
    items=("8.1.5.2.b", "8.1.10.6.f"),
    questions=(
        sql(
            "SELECT at, act, actor FROM audit WHERE role = 'audit' AND outcome <> 'refused' ORDER BY number DESC LIMIT 1"
        ),
        sql("SELECT MIN(at) AS at FROM audit"),
    ),
    judge=judge,
)
