"""Both zone bridges are there, no link joins them, and the node has no address on them."""

import json
from collections.abc import Mapping
from typing import Any

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
    joined = sorted(_reached(BRIDGES[0], links) - set(BRIDGES))
    if BRIDGES[1] in _reached(BRIDGES[0], links):
        shown = ",".join(joined)
        faults.append(Text(f"两个区域被 {shown} 连通", f"both zones are joined, among: {shown}"))
    good = Text(
        "内外网分区各有网桥，本机在其上无地址",
        "Each zone has its bridge, the node has no address there",
    )
    return weigh(faults, 1, good)


def _reached(start: str, links: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return what frames of `start` reach on this node: ports, their bridges, the other ends of pairs.

    A link that is in no bridge (the card under an overlay) carries packets, not frames: it ends there.
    """
    bridged = {name for name, link in links.items() if "master" in link} | set(BRIDGES)
    bridged |= {str(link["master"]) for link in links.values() if "master" in link}
    ways = [
        (name, str(link[end]))
        for name, link in links.items()
        for end in ("master", "link")
        if end in link
    ]
    found, left = {start}, [start]
    while left:
        here = left.pop()
        near = {b if a == here else a for a, b in ways if here in (a, b)} & bridged
        left += near - found
        found |= near
    return found


CHECK = Check(
    id="zone_bridges",
    kind=Kind.BOUNDARY,
    title=Text("区域划分与地址", "Zones and addresses"),
    items=("8.1.2.1.c", "8.1.3.1.a"),
    questions=(command("ip", "-j", "address", "show"),),
    judge=judge,
)
