"""A strange device on a zone's bridge gets nowhere: each port is bound to one MAC and one address."""

import json

from appliance.errors import Text
from compliance.checks.asked import RULESET
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

SETS = ("bound", "bound_arp")


def judge(proofs: Answers) -> Judgement:
    """Judge the bridge family: both sets are there, are asked before all else, and the rest is dropped."""
    entries = json.loads(proofs[0].out)["nftables"]
    bridge = [
        (kind, body) for entry in entries for kind, body in entry.items()
        if isinstance(body, dict) and body.get("family") == "bridge"
    ]  # fmt: skip
    sets = {body["name"] for kind, body in bridge if kind == "set"}
    origin = [body["expr"] for kind, body in bridge if kind == "rule" and body["chain"] == "origin"]
    forward = [
        body["expr"] for kind, body in bridge if kind == "rule" and body["chain"] == "forward"
    ]
    faults = [
        Text(f"没有端口绑定表 {name}", f"there is no set {name}")
        for name in SETS
        if name not in sets
    ]
    if not origin or "drop" not in origin[-1][-1]:
        faults.append(Text("未绑定的端口未被丢弃", "what is bound to nothing is not dropped"))
    if not forward or forward[0][-1].get("jump", {}).get("target") != "origin":
        faults.append(Text("端口绑定不在转发之前检查", "the binding is not asked before all else"))
    return weigh(
        faults, 4, Text("每个端口绑定一个 MAC 与地址", "Each port is bound to one MAC and address")
    )


CHECK = Check(
    id="bound_ports",
    kind=Kind.HYPERVISOR,
    title=Text("私接设备受阻断", "A strange device gets nowhere"),
    items=("8.1.3.1.b", "8.2.3.1.a"),
    questions=(RULESET,),
    judge=judge,
)
