"""Console accounts hold a slow hash or an unused one-time code; there is no shipped password."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

# The first characters name the algorithm; the hash itself must never become evidence.
ALGORITHM = "$argon2id$"


def judge(proofs: Answers) -> Judgement:
    """Judge the algorithm named by each hash."""
    accounts = rows(proofs[0].out)
    if not accounts:
        return unknown("没有任何账户", "There is no account")
    faults = []
    for account in accounts:
        name = account["name"]
        for kind in ("password", "code"):
            held = account[kind]
            if held and held != ALGORITHM:
                faults.append(
                    Text(
                        f"账户 {name} 的 {kind} 不是 Argon2id", f"{kind} of {name} is not Argon2id"
                    )
                )
    good = Text(
        f"{len(accounts)} 个账户均无出厂口令，凭据以 Argon2id 保存",
        f"{len(accounts)} accounts, Argon2id only",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="credentials",
    kind=Kind.CONTROLLER,
    title=Text("凭据保存方式", "How credentials are kept"),
    items=("8.1.4.2.b", "8.1.4.8.b"),
    questions=(
        sql(
            "SELECT name, substr(password_hash, 1, 10) AS password, substr(code_hash, 1, 10) AS code "
            "FROM accounts ORDER BY name"
        ),
    ),
    judge=judge,
)
