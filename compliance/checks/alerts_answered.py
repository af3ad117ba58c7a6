"""Somebody answers alerts: no grave one has stood open for a day without anybody taking it up."""

from appliance.errors import Text
from compliance.answers import days, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql


def judge(proofs: Answers) -> Judgement:
    """Judge the open alerts, and that the process that raises them runs."""
    found = rows(proofs[0].out)
    faults = []
    if proofs[1].out.strip() != "active":
        faults.append(Text("告警进程未运行", "what raises alerts does not run"))
    for row in found:
        left = not row["closed_at"] and not row["acknowledged_by"]
        if left and days(proofs[0].at, row["opened_at"]) > 1.0:
            shown = f"{row['rule']} {row['subject']}"
            faults.append(Text(f"告警一天无人处理：{shown}", f"nobody took up for a day: {shown}"))
    return weigh(
        faults,
        1,
        Text(
            f"最近 {len(found)} 条告警均已处理", f"The last {len(found)} alerts were all taken up"
        ),
    )


CHECK = Check(
    id="alerts_answered",
    kind=Kind.CONTROLLER,
    title=Text("安全事件告警与处置", "Alerts are raised and answered"),
    items=("8.1.5.4.f", "8.1.10.6.f", "8.1.10.12.c"),
    questions=(
        sql(
            "SELECT rule, subject, tone, opened_at, closed_at, acknowledged_by FROM alerts "
            "WHERE tone = 'bad' ORDER BY opened_at DESC LIMIT 100"
        ),
        command("systemctl", "is-active", "hbox-worker.service", ok=(0, 3, 4)),
    ),
    judge=judge,
)
