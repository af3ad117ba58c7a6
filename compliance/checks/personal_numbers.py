"""No personal number leaks through a channel that does not declare it; every look at a message is audited."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge the open alerts about personal numbers, and who looked into messages."""
    alerts, looks = rows(proofs[0].out), rows(proofs[1].out)
    faults = [
        Text(
            f"通道 {row['subject']} 出现未声明的个人号码",
            f"undeclared personal numbers on {row['subject']}",
        )
        for row in alerts
    ]
    faults += [
        Text(
            f"{row['actor']}（{row['role']}）查看了报文",
            f"{row['actor']} ({row['role']}) looked into messages",
        )
        for row in looks
        if row["role"] not in ("audit", "security", "worker")
    ]
    good = Text(
        "没有未声明的个人号码，查看均有权限", "No undeclared personal number; who looked, may"
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="personal_numbers",
    kind=Kind.APP,
    title=Text("个人信息防泄露", "Personal data does not leak"),
    items=("8.1.4.11.b",),
    questions=(
        sql(
            "SELECT subject, opened_at FROM alerts WHERE rule = 'personal_number' AND closed_at IS NULL ORDER BY subject"
        ),
        sql("SELECT DISTINCT actor, role FROM audit WHERE act = 'gateway.look' ORDER BY actor"),
    ),
    judge=judge,
)
