"""No machine of a zone reaches out through the node: nothing is forwarded, the node speaks in no zone."""

from appliance.errors import Text
from compliance.answers import NftRule, ruleset
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.ways import drops, jumps, limits

ZONES = ("br-int", "br-ext")


def judge(proofs: Answers) -> Judgement:
    """Judge the output chain (both zone bridges dropped), masquerading, and the bridges' own default."""
    rules = ruleset(proofs[0].out)
    faults = []
    faults += [
        Text(f"节点可向 {zone} 发送", f"the node may speak in {zone}")
        for zone in ZONES
        if not any(_shut(rules.of(chain), zone) for chain in rules.hooked("output", "inet"))
    ]
    if any("masquerade" in rule.text or "snat" in rule.text for rule in rules.rules):
        faults.append(Text("存在地址转换出口", "addresses are translated on the way out"))
    if not any(chain.policy == "drop" for chain in rules.hooked("forward", "bridge")):
        faults.append(Text("区域内默认放行", "inside the zones all is let through by default"))
    return weigh(faults, 4, Text("区域内主机没有外联通路", "No machine of a zone has a way out"))


def _shut(chain: list[NftRule], zone: str) -> bool:
    """Whether all that goes into the zone is dropped, before any rule could let some of it go."""
    for rule in chain:
        if drops(rule) and zone in limits(rule).get("oifname", ()) and rule.fields == {"oifname"}:
            return True
        if rule.accepts or jumps(rule):
            return False
    return False


CHECK = Check(
    id="outward",
    kind=Kind.BOUNDARY,
    title=Text("非授权外联受阻断", "Nobody gets out without leave"),
    items=("8.1.3.1.c", "8.1.10.6.j"),
    questions=(RULESET,),
    judge=judge,
)
