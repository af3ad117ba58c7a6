"""A vendor's account was opened by a named person on record, and goes when the vendor's work is done."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

LEFT = 30  # days without a log-in after which an outsider is taken to have left


def judge(proofs: Answers) -> Judgement:
    """Join the outsiders' accounts (vendor, auditor) with who opened them and when they last came."""
    accounts, opened, seen = (rows(proof.out) for proof in proofs)
    by = {row["object"].rpartition("/")[2]: row["actor"] for row in opened}
    last = {row["actor"]: row["at"] for row in seen}
    faults = []
    for row in accounts:
        name = row["name"]
        if name not in by or by[name] == name:
            faults.append(
                Text(f"外部账号 {name} 无开通登记", f"nobody is on record for opening {name}")
            )
        if not row["disabled"] and age(proofs[0].at, last.get(name, row["created_at"])) > LEFT:
            faults.append(
                Text(f"外部账号 {name} 闲置未停用", f"{name}, an outsider's, is idle and open")
            )
    good = Text(
        f"{len(accounts)} 个外部账号均有登记",
        f"{len(accounts)} accounts of outsiders, all on record",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="vendor_accounts",
    kind=Kind.CONTROLLER,
    title=Text("外部人员账号登记与清退", "Accounts of outsiders are on record and end"),
    items=("8.1.8.4.b", "8.1.8.4.c"),
    questions=(
        sql(
            "SELECT name, role, disabled, created_at FROM accounts WHERE role IN ('vendor', 'auditor') ORDER BY name"
        ),
        sql("SELECT object, actor FROM audit WHERE act = 'account.add' ORDER BY number"),
        sql(
            "SELECT actor, MAX(at) AS at FROM audit WHERE outcome <> 'refused' GROUP BY actor ORDER BY actor"
        ),
    ),
    judge=judge,
)
