"""Every API token in force ends within a year and belongs to an account in use."""

from appliance.errors import Text
from compliance.answers import age, days, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

LONGEST = 366  # days
IDLE = 90  # days without use


def judge(proofs: Answers) -> Judgement:
    """Judge the tokens that are neither revoked nor over."""
    now = proofs[0].at
    valid = [
        row
        for row in rows(proofs[0].out)
        if not row["revoked_at"] and days(now, row["expires_at"]) < 0
    ]
    faults = []
    for row in valid:
        name = f"{row['owner']}/{row['name']}"
        if row["disabled"]:
            faults.append(
                Text(f"停用账号的令牌仍有效 {name}", f"a disabled account's token works: {name}")
            )
        if days(row["expires_at"], row["created_at"]) > LONGEST:
            faults.append(Text(f"令牌有效期超过一年 {name}", f"lives longer than a year: {name}"))
        if age(now, row["used_at"] or row["created_at"]) > IDLE:
            faults.append(Text(f"令牌 {IDLE} 天未使用 {name}", f"unused for {IDLE} days: {name}"))
    return weigh(
        faults,
        1,
        Text(f"{len(valid)} 个有效令牌均受限", f"{len(valid)} tokens in force, each limited"),
    )


CHECK = Check(
    id="tokens",
    kind=Kind.CONTROLLER,
    title=Text("API 令牌有期限", "API tokens end"),
    items=("8.1.4.2.c",),
    questions=(
        sql(
            "SELECT t.name, a.name AS owner, a.disabled, t.created_at, t.expires_at, t.used_at, t.revoked_at "
            "FROM api_tokens t JOIN accounts a ON a.id = t.account_id ORDER BY a.name, t.name"
        ),
    ),
    judge=judge,
)
