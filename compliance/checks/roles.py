"""The three administrators exclude each other: one account each has, no account has two."""

from collections import Counter

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

ADMINISTRATORS = ("system", "security", "audit")
KNOWN = frozenset((*ADMINISTRATORS, "vendor", "auditor", "tenant"))


def judge(proofs: Answers) -> Judgement:
    """Judge the accounts: known roles, each administrator held, no shell user behind two accounts."""
    accounts = rows(proofs[0].out)
    active = [a for a in accounts if not a.get("disabled")]
    held = Counter(str(account["role"]) for account in active)
    faults = [
        Text(f"没有在用的 {role} 管理员", f"no active {role} administrator")
        for role in ADMINISTRATORS
        if not held[role]
    ]
    faults += [
        Text(f"未知角色 {role}", f"unknown role {role}") for role in sorted(set(held) - KNOWN)
    ]
    users = Counter(str(a["unix_user"]) for a in active if a["unix_user"])
    faults += [
        Text(
            f"系统用户 {user} 对应 {times} 个账户",
            f"shell user {user} stands behind {times} accounts",
        )
        for user, times in users.items()
        if times > 1 or user == "root"
    ]
    good = Text(
        f"{len(active)} 个账户各一角色，三员分立",
        f"{len(active)} accounts, one role each, three apart",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="roles",
    kind=Kind.CONTROLLER,
    title=Text("三权分立", "Three separate administrators"),
    items=("8.1.4.2.d", "8.1.10.6.a", "8.1.5.1.a", "8.1.5.2.a", "8.1.5.3.a"),
    questions=(sql("SELECT name, role, unix_user, disabled FROM accounts ORDER BY name"),),
    judge=judge,
)
