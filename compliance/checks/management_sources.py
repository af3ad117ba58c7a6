"""The node is managed from the management network only (nftables, input)."""

from appliance.errors import Text
from compliance.answers import ruleset
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.ways import answering, limits, reached

ADMIN_PORTS = frozenset((22, 8443, 8446))
INTERFACES = ("iifname", "iif")
SOURCES = frozenset((*INTERFACES, "saddr"))
ZONES = frozenset(("br-int", "br-ext"))


def judge(proofs: Answers) -> Judgement:
    """The input hook drops by default, and whatever accepts an admin port names interface or source."""
    rules = ruleset(proofs[0].out)
    faults = []
    dropping = [c for c in rules.hooked("input", "inet", "ip", "ip6") if c.policy == "drop"]
    families = {chain.family for chain in dropping}
    if "inet" not in families and families != {"ip", "ip6"}:
        faults.append(Text("input 链默认策略不是 drop", "no input chain drops by default"))
    for rule in (rule for chain in dropping for rule in reached(rules, chain) if rule.accepts):
        held = limits(rule)
        zones = ZONES & {str(one) for name in INTERFACES for one in held.get(name, ())}
        if zones or not (answering(rule) or held.keys() & SOURCES):
            faults.append(
                Text(
                    f"input 链放行未限于管理来源：{rule.text}",
                    f"the input chain lets in more than the management network: {rule.text}",
                )
            )
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


CHECK = Check(
    id="management_sources",
    kind=Kind.HOST,
    title=Text("限制管理终端接入", "Management access is limited"),
    items=("8.1.4.4.c",),
    questions=(RULESET,),
    judge=judge,
)
