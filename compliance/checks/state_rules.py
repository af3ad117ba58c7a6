"""Packets are let through by the state of their connection, and those of no connection are dropped."""

from appliance.errors import Text
from compliance.answers import NftRule, ruleset
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.ways import drops, limits

FAMILIES = ("inet", "bridge")


def judge(proofs: Answers) -> Judgement:
    """Both tables look at `ct state`; the rules without state (a kernel without the module) name flags."""
    rules = ruleset(proofs[0].out)
    faults = []
    for family in FAMILIES:
        of = [rule for rule in rules.rules if rule.family == family]
        opened = any(rule.accepts and rule.ports for rule in of)
        by_state = any("state" in rule.fields and rule.accepts for rule in of)
        if opened and not by_state and not _flags(of):
            faults.append(
                Text(f"{family} 表不看会话状态", f"table {family} does not look at the state")
            )
        dropped = any(
            drops(rule) and rule.fields == {"state"} and "invalid" in limits(rule).get("state", ())
            for rule in of
        )
        if not dropped:
            faults.append(_invalid(family, by_flags=opened and not by_state and _flags(of)))
    return weigh(
        faults,
        2 * len(FAMILIES),
        Text("按会话状态放行，无效报文丢弃", "By state; invalid packets are dropped"),
    )


def _flags(rules: list[NftRule]) -> bool:
    return any('"flags"' in rule.text and rule.accepts for rule in rules)


def _invalid(family: str, *, by_flags: bool) -> Text:
    if by_flags:
        return Text(
            f"内核不能在 {family} 表跟踪会话，只按标志位放行，未丢弃无效会话",
            f"this kernel tracks no session in table {family}: flags decide, and invalid packets pass",
        )
    return Text(f"{family} 表未丢弃无效会话", f"table {family} lets invalid packets pass")


CHECK = Check(
    id="state_rules",
    kind=Kind.BOUNDARY,
    title=Text("会话状态控制", "Control by the state of a connection"),
    items=("8.1.3.2.d",),
    questions=(RULESET,),
    judge=judge,
)
