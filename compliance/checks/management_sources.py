"""The node is managed from the management network only (nftables, input)."""

from appliance.errors import Text
from compliance.answers import Ruleset, ruleset
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

ADMIN_PORTS = frozenset((22, 8443, 8446))
SOURCES = frozenset(("iifname", "iif", "saddr"))


def judge(proofs: Answers) -> Judgement:
    """The input hook drops by default, and whatever accepts an admin port names interface or source."""
    rules = ruleset(proofs[0].out)
    faults = []
    if not _dropping(rules):
        faults.append(Text("input 链默认策略不是 drop", "no input chain drops by default"))
    for rule in rules.rules:
        opens = rule.accepts and rule.ports & ADMIN_PORTS
        if opens and rule.family != "bridge" and not rule.fields & SOURCES:
            faults.append(
                Text(
                    f"管理端口未限制来源：{sorted(opens)}",
                    f"admin ports open to all: {sorted(opens)}",
                )
            )
    return weigh(
        faults,
        1,
        Text("管理端口只对管理网开放", "Admin ports are open to the management network only"),
    )


def _dropping(rules: Ruleset) -> bool:
    return any(chain.policy == "drop" for chain in rules.hooked("input", "inet", "ip"))


CHECK = Check(
    id="management_sources",
    kind=Kind.HOST,
    title=Text("限制管理终端接入", "Management access is limited"),
    items=("8.1.4.4.c",),
    questions=(RULESET,),
    judge=judge,
)
