"""The node's links lose next to nothing: what they carry fits through them."""

import json

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

WORST = 0.001  # lost of all packets since the start


def judge(proofs: Answers) -> Judgement:
    """Judge the counters of every link that is up, the loopback left out."""
    faults, links = [], 0
    for link in json.loads(proofs[0].out):
        if "UP" not in link.get("flags", []) or link["ifname"] == "lo":
            continue
        links += 1
        for way, counted in link.get("stats64", {}).items():
            lost = counted.get("dropped", 0) + counted.get("errors", 0)
            if lost > max(100, counted.get("packets", 0) * WORST):
                shown = f"{link['ifname']} {way} {lost}"
                faults.append(Text(f"链路丢包：{shown}", f"packets lost: {shown}"))
    if not links:
        return unknown("没有启用的链路", "No link is up")
    return weigh(
        faults, 1, Text(f"{links} 条链路几乎不丢包", f"{links} links lose next to nothing")
    )


CHECK = Check(
    id="link_load",
    kind=Kind.HOST,
    title=Text("链路带宽满足", "Links carry what comes"),
    items=("8.1.2.1.b",),
    questions=(command("ip", "-s", "-j", "link", "show"),),
    judge=judge,
)
