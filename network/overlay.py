"""The zones between nodes: a VXLAN port on each zone's bridge, told of every other node by unicast; no multicast.

A frame for an unknown or every machine goes to each peer once; replies teach the port who is where. Guests
keep their MTU of 1500, so that machines and the hospital's own systems need no setting. What a zone lets
through is TCP alone, and the packet filter has both ends send segments that fit into 1500 less VXLAN's 50.
"""

from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.rtnl import ndmsg

from network.fabric import Fabric
from network.zones import Plan, Zone

MTU = 1500
_EVERY = "00:00:00:00:00:00"  # the entry for frames whose receiver is not known yet
_AGEING = (
    30  # seconds; a machine that moved speaks at once, one that is silent is found by flooding
)
_NUD_NOARP, _NUD_PERMANENT = 0x40, 0x80


def ensure(ipr: IPRoute, plan: Plan, fabric: Fabric) -> None:
    """Make each zone's overlay port as `fabric` says, in its bridge; without peers take it away."""
    for zone in plan.zones:
        index = _index(ipr, zone.overlay)
        if index is not None and not (fabric.spans and _as_wanted(ipr, index, zone, plan, fabric)):
            ipr.link("del", index=index)
            index = None
        if not fabric.spans:
            continue
        if index is None:
            ipr.link(
                "add",
                ifname=zone.overlay,
                kind="vxlan",
                vxlan_id=zone.vni,
                vxlan_local=fabric.address,
                vxlan_port=plan.overlay_port,
                vxlan_learning=True,
                vxlan_ageing=_AGEING,
                mtu=MTU,
            )
            index = _must(ipr, zone.overlay)
        bridge = _must(ipr, zone.bridge)
        ipr.link("set", index=index, master=bridge, mtu=MTU, state="up")
        _tell_of(ipr, index, fabric.peers)


def held(ipr: IPRoute, plan: Plan) -> dict[str, set[str]]:
    """Return overlay port -> the peers that it floods to, for the ports that exist and are plugged in."""
    found = {}
    for zone in plan.zones:
        index = _index(ipr, zone.overlay)
        if index is not None:
            master = ipr.get_links(index)[0].get_attr("IFLA_MASTER")
            if master == _index(ipr, zone.bridge):
                found[zone.overlay] = _peers(ipr, index)
    return found


def _tell_of(ipr: IPRoute, index: int, peers: tuple[str, ...]) -> None:
    known = _peers(ipr, index)
    for peer in sorted(set(peers) - known):
        ipr.fdb("append", **_entry(index, peer))
    for peer in sorted(known - set(peers)):
        ipr.fdb("del", **_entry(index, peer))


def _entry(index: int, peer: str) -> dict[str, Any]:
    return {
        "ifindex": index,
        "lladdr": _EVERY,
        "dst": peer,
        "flags": ndmsg.NTF_SELF,
        "state": _NUD_PERMANENT | _NUD_NOARP,
    }


def _peers(ipr: IPRoute, index: int) -> set[str]:
    found = [entry for entry in ipr.fdb("dump") if entry["ifindex"] == index]
    every = [entry for entry in found if entry.get_attr("NDA_LLADDR") == _EVERY]
    return {str(entry.get_attr("NDA_DST")) for entry in every if entry.get_attr("NDA_DST")}


def _as_wanted(ipr: IPRoute, index: int, zone: Zone, plan: Plan, fabric: Fabric) -> bool:
    info = ipr.get_links(index)[0].get_attr("IFLA_LINKINFO")
    data = info.get_attr("IFLA_INFO_DATA") if info is not None else None
    if data is None or info.get_attr("IFLA_INFO_KIND") != "vxlan":
        return False
    names = ("IFLA_VXLAN_ID", "IFLA_VXLAN_LOCAL", "IFLA_VXLAN_PORT")
    found = tuple(data.get_attr(name) for name in names)
    return found == (zone.vni, fabric.address, plan.overlay_port)


def _index(ipr: IPRoute, name: str) -> int | None:
    found = ipr.link_lookup(ifname=name)
    return int(found[0]) if found else None


def _must(ipr: IPRoute, name: str) -> int:
    index = _index(ipr, name)
    assert index is not None, name  # noqa: S101 - it was made a line above
    return index
