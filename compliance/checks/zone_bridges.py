"""Both zone bridges are there and the node has no address on them."""

import json

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

BRIDGES = ("br-int", "br-ext")


def judge(proofs: Answers) -> Judgement:
    """Judge `ip -j address show`."""
    links = {link["ifname"]: link for link in json.loads(proofs[0].out)}
    faults = []
    for name in BRIDGES:
        if name not in links:
            faults.append(Text(f"区域网桥 {name} 不存在", f"zone bridge {name} does not exist"))
            continue
        for address in links[name].get("addr_info", []):
            shown = address.get("local", "?")
            faults.append(
                Text(f"本机在 {name} 上有地址 {shown}", f"the node has {shown} on {name}")
            )
    good = Text(
        "内外网分区各有网桥，本机在其上无地址",
        "Each zone has its bridge, the node has no address there",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="zone_bridges",
    kind=Kind.BOUNDARY,
    title=Text("区域划分与地址", "Zones and addresses"),
    items=("8.1.2.1.c", "8.1.3.1.a"),
    questions=(command("ip", "-j", "address", "show"),),
    judge=judge,
)
