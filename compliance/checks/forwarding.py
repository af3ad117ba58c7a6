"""The node forwards nothing between zones: sysctl and nftables both say so."""

from appliance.errors import Text
from compliance.answers import ruleset
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File
from compliance.ways import reached


def judge(proofs: Answers) -> Judgement:
    """Judge ip_forward of both families and the forward hook's policy."""
    faults = []
    for family, proof in (("IPv4", proofs[0]), ("IPv6", proofs[1])):
        if proof.there and proof.out.strip() != "0":
            faults.append(Text(f"{family} 转发已开启", f"{family} forwarding is on"))
    rules = ruleset(proofs[2].out)
    dropping = [c for c in rules.hooked("forward", "inet", "ip", "ip6") if c.policy == "drop"]
    if not any(c.family == "inet" for c in dropping) and {c.family for c in dropping} != {
        "ip",
        "ip6",
    }:
        faults.append(
            Text("forward 链默认策略不是 drop", "the forward hook does not drop by default")
        )
    opened = [r for c in dropping for r in reached(rules, c) if r.accepts]
    faults += [
        Text(f"forward 链放行规则：{r.text}", f"the forward chain accepts: {r.text}")
        for r in opened
    ]
    good = Text(
        "内核与防火墙均不在区域间转发", "Neither kernel nor firewall forwards between zones"
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="forwarding",
    kind=Kind.BOUNDARY,
    title=Text("区域间不转发", "Nothing is forwarded between zones"),
    items=("8.1.2.1.d", "8.1.3.2.a", "8.2.3.1.b"),
    questions=(
        File("/proc/sys/net/ipv4/ip_forward"),
        File("/proc/sys/net/ipv6/conf/all/forwarding"),
        RULESET,
    ),
    judge=judge,
)
