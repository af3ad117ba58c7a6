"""What was done was done by the role whose duty it is: the system runs, security decides, audit looks."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql

# How an act begins -> whose duty it is. Tenants act on what they were granted.
DUTIES = {
    "vm.": ("system", "tenant"),
    "volume.": ("system", "tenant"),
    "node.": ("system",),
    "storage.": ("system",),
    "tenant.": ("system",),
    "module.install": ("system",),
    "module.remove": ("system",),
    "module.approve": ("security",),
    "module.trust": ("security",),
    "gateway.change.approve": ("security",),
    "gateway.change.reject": ("security",),
    "gateway.signatures.": ("security",),
    "account.": ("security", "system"),
    "grant.": ("security",),
}


def judge(proofs: Answers) -> Judgement:
    """Judge every pair of act and role on the audit chain that was let through."""
    found = rows(proofs[0].out)
    if not found:
        return unknown("没有任何审计记录", "There is no audit record")
    faults = []
    for row in found:
        owners = next(
            (roles for head, roles in DUTIES.items() if row["act"].startswith(head)), None
        )
        if owners and row["role"] not in owners:
            shown = f"{row['role']}: {row['act']} ({row['actor']})"
            faults.append(Text(f"越权操作 {shown}", f"not that role's duty: {shown}"))
    return weigh(
        faults,
        1,
        Text(
            f"{len(found)} 类操作均由对应角色完成", f"{len(found)} kinds of act, each by its role"
        ),
    )


CHECK = Check(
    id="duties",
    kind=Kind.CONTROLLER,
    title=Text("各管理员各司其职", "Each administrator does their own duty"),
    items=("8.1.5.1.b", "8.1.5.3.b", "8.1.4.2.d"),
    questions=(
        sql(
            "SELECT DISTINCT act, role, actor FROM audit WHERE outcome IN ('submitted', 'done') ORDER BY act, role, actor"
        ),
    ),
    judge=judge,
)
