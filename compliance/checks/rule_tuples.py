"""Whatever the zone firewall lets through names source, destination, protocol and port."""

from appliance.errors import Text
from compliance.answers import NftRule, ruleset
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.ways import answering, limits

RARP = "32821"  # 0x8035: by it a machine that moved tells the bridges where it is now
ADDRESSES = frozenset(("saddr", "daddr"))


def judge(proofs: Answers) -> Judgement:
    """Judge the bridge family's filter: default drop, and five-tuples in each accepting rule."""
    rules = ruleset(proofs[0].out)
    chains = rules.hooked("forward", "bridge")
    faults = []
    if not chains or any(chain.policy != "drop" for chain in chains):
        faults.append(
            Text("区域内过滤默认策略不是 drop", "the zone filter does not drop by default")
        )
    accepting = [rule for rule in rules.rules if rule.family == "bridge" and rule.accepts]
    faults += [
        Text(f"规则不完整：{r.text}", f"not a five-tuple: {r.text}")
        for r in accepting
        if not _exact(r)
    ]
    good = Text(
        f"{len(accepting)} 条放行规则均写明五元组", f"{len(accepting)} accepting rules, all exact"
    )
    return weigh(faults, 1, good)


def _exact(rule: NftRule) -> bool:
    """Address resolution, and packets of a connection already judged, need no five-tuple."""
    resolution = any(f'"right": {name}' in rule.text for name in ('"arp"', RARP))
    if resolution or answering(rule):
        return True
    held = limits(rule).keys()
    return held >= ADDRESSES and bool({"dport", "sport"} & held)


CHECK = Check(
    id="rule_tuples",
    kind=Kind.BOUNDARY,
    title=Text("规则按五元组放行", "Rules name five-tuples"),
    items=("8.1.3.2.c", "8.1.3.2.b", "8.2.3.1.a"),
    questions=(RULESET,),
    judge=judge,
)
