"""Wrong log-ins lock an account for a while: none has failed on and on without being locked."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

MOST = 5  # failures in a row; a testing body's handbook


def judge(proofs: Answers) -> Judgement:
    """Judge the counters, and that every fifth failure on record was followed by a lock."""
    faults = [
        Text(
            f"账号 {row['name']} 连续失败 {row['failed']} 次未锁定",
            f"{row['name']}: {row['failed']} failures, no lock",
        )
        for row in rows(proofs[0].out)
        if row["failed"] > MOST
    ]
    beyond = [row for row in rows(proofs[1].out) if _failure(row["detail"]) > MOST]
    faults += [
        Text(
            f"第 {row['number']} 条审计：失败超过 {MOST} 次",
            f"entry {row['number']}: more than {MOST} failures",
        )
        for row in beyond
    ]
    return weigh(
        faults, 1, Text(f"连续失败不超过 {MOST} 次即锁定", f"{MOST} failures at most, then a lock")
    )


def _failure(detail: str) -> int:
    number = detail.rpartition("failure ")[2]
    return int(number) if "failure " in detail and number.isdigit() else 0


CHECK = Check(
    id="lockouts",
    kind=Kind.CONTROLLER,
    title=Text("登录失败锁定", "Wrong log-ins lock the account"),
    items=("8.1.4.1.b",),
    questions=(
        sql("SELECT name, failed FROM accounts ORDER BY name"),
        sql(
            "SELECT number, actor, detail FROM audit WHERE act = 'auth.login' AND outcome = 'refused' "
            "ORDER BY number DESC LIMIT 200"
        ),
    ),
    judge=judge,
)
