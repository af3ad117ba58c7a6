"""The management network is one of its own: its link is in no zone, and only it carries an address."""

import json

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

ZONES = ("br-int", "br-ext")


def judge(proofs: Answers) -> Judgement:
    """Judge which links bear the node's addresses, and that none of them is a port of a zone's bridge."""
    faults, bearing = [], []
    for link in json.loads(proofs[0].out):
        name = str(link["ifname"])
        addresses = [a for a in link.get("addr_info", []) if a.get("scope") == "global"]
        if name == "lo" or not addresses:
            continue
        bearing.append(name)
        if name in ZONES or link.get("master") in ZONES:
            faults.append(
                Text(f"管理地址在业务区域 {name}", f"a management address in a zone: {name}")
            )
    if not bearing:
        faults.append(Text("没有管理网络", "there is no management network"))
    return weigh(
        faults,
        1,
        Text(f"管理网络独立：{','.join(bearing)}", f"Management apart: {','.join(bearing)}"),
    )


CHECK = Check(
    id="management_zone",
    kind=Kind.BOUNDARY,
    title=Text("独立的管理区域", "A management zone of its own"),
    items=("8.1.5.4.a", "8.2.5.1.b"),
    questions=(command("ip", "-j", "address", "show"),),
    judge=judge,
)
