"""Every account of the console was opened by somebody on record, with a role that the box knows."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

ROLES = frozenset(("system", "security", "audit", "vendor", "auditor", "tenant"))


def judge(proofs: Answers) -> Judgement:
    """Join the accounts with the audit entries of their opening, and the tenants' with their grants."""
    accounts, opened, grants = (rows(proof.out) for proof in proofs)
    if not accounts:
        return unknown("没有任何账号", "There is no account")
    known = {row["object"].rpartition("/")[2] for row in opened}
    wide = {row["name"] for row in grants if row["path"] == "/" and row["right"] == "manage"}
    faults = []
    for row in accounts:
        name = row["name"]
        if name not in known:
            faults.append(Text(f"账号 {name} 无开通记录", f"no record of who opened {name}"))
        if row["role"] not in ROLES:
            faults.append(Text(f"账号 {name} 的角色未知", f"{name} has a role that nobody knows"))
        if name in wide:
            faults.append(Text(f"租户 {name} 获得全部权限", f"tenant {name} may do everything"))
    return weigh(
        faults,
        1,
        Text(f"{len(accounts)} 个账号均有开通记录", f"{len(accounts)} accounts, all on record"),
    )


CHECK = Check(
    id="account_requests",
    kind=Kind.CONTROLLER,
    title=Text("账号开通有记录", "Accounts are opened on record"),
    items=("8.1.4.2.a", "8.1.10.6.b"),
    questions=(
        sql("SELECT name, role FROM accounts ORDER BY name"),
        sql("SELECT object, actor FROM audit WHERE act = 'account.add' ORDER BY number"),
        sql(
            'SELECT a.name, g."right", g.path FROM grants g JOIN accounts a ON a.id = g.account_id '
            "ORDER BY a.name, g.path"
        ),
    ),
    judge=judge,
)
