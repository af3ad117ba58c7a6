"""PostgreSQL lets in only whom the kernel or a strong password proves, and over the network only with TLS."""

from appliance.errors import Text
from compliance.checks.asked import SETTINGS, psql
from compliance.checks.pg_settings import on_sqlite
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh

STRONG = ("peer", "scram-sha-256", "cert", "reject")


def judge(proofs: Answers) -> Judgement:
    """Judge each rule of pg_hba.conf as the server read it."""
    away = on_sqlite(proofs[0])
    if away:
        return away
    rules = [line.split("|") for line in proofs[1].lines() if line.count("|") == 3]
    if not rules:
        return unknown(
            f"数据库没有回答：{proofs[1].out[:80]}",
            f"The database did not answer: {proofs[1].out[:80]}",
        )
    faults = []
    for number, kind, address, method in rules:
        if method not in STRONG:
            faults.append(Text(f"第 {number} 行允许 {method}", f"line {number} allows {method}"))
        elif kind in ("host", "hostnossl") and method != "reject":
            faults.append(
                Text(
                    f"第 {number} 行不要求 TLS（{address}）",
                    f"line {number} asks for no TLS ({address})",
                )
            )
    return weigh(
        faults,
        1,
        Text(f"{len(rules)} 条访问规则均为强认证", f"{len(rules)} rules, strong proof each"),
    )


CHECK = Check(
    id="pg_access",
    kind=Kind.DB,
    title=Text("数据库访问规则", "Who may come to the database"),
    items=("8.1.4.1.a", "8.1.4.1.c", "8.1.4.4.c"),
    questions=(
        SETTINGS,
        psql(
            "SELECT line_number, type, coalesce(address, '-'), auth_method FROM pg_hba_file_rules WHERE error IS NULL ORDER BY line_number"
        ),
    ),
    judge=judge,
)
