"""Who no longer comes has no access: disabled accounts have no session, and none lies idle for a quarter."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

IDLE = 90  # days


def judge(proofs: Answers) -> Judgement:
    """Join accounts with their last log-in on the audit chain and with the sessions that are open."""
    accounts, seen, opened = (rows(proof.out) for proof in proofs)
    if not accounts:
        return unknown("没有任何账号", "There is no account")
    last = {row["actor"]: row["at"] for row in seen}
    inside = {row["name"] for row in opened}
    faults = []
    for row in accounts:
        name = row["name"]
        if row["disabled"]:
            if name in inside:
                faults.append(Text(f"已停用账号 {name} 仍有会话", f"disabled, but inside: {name}"))
        elif age(proofs[0].at, last.get(name, row["created_at"])) > IDLE:
            faults.append(
                Text(f"账号 {name} 超过 {IDLE} 天未登录", f"{name} did not come for {IDLE} days")
            )
    return weigh(
        faults,
        1,
        Text(f"{len(accounts)} 个账号中无闲置或残留", f"{len(accounts)} accounts, none idle"),
    )


CHECK = Check(
    id="idle_accounts",
    kind=Kind.CONTROLLER,
    title=Text("离岗与闲置账号", "Accounts of those who no longer come"),
    items=("8.1.4.2.c", "8.1.8.2.a"),
    questions=(
        sql("SELECT name, role, disabled, created_at FROM accounts ORDER BY name"),
        sql(
            "SELECT actor, MAX(at) AS at FROM audit WHERE outcome <> 'refused' GROUP BY actor ORDER BY actor"
        ),
        sql(
            "SELECT DISTINCT a.name FROM logins l JOIN accounts a ON a.id = l.account_id ORDER BY a.name"
        ),
    ),
    judge=judge,
)
