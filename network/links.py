"""Bridges, veths and namespaces of the zones, through pyroute2: made when missing, never doubled."""

from contextlib import closing

from pyroute2 import IPRoute, NetNS, netns

from appliance import nic
from appliance.errors import Failed, Text
from appliance.host import LocalHost
from network import overlay
from network.fabric import ALONE, Fabric
from network.zones import PLAN, Plan, Zone

_INSIDE = "eth0"


class BridgeHasAddress(Failed):
    """A zone bridge carries an address; the host must have none there."""

    code = "network.bridge_has_address"
    text = Text(
        "区域网桥 {bridge} 上有地址 {address}", "Zone bridge {bridge} has the address {address}"
    )
    hint = Text(
        "请删除该地址：节点不得进入业务区域。", "Remove it: a node has no place in that zone."
    )


def ensure_bridges(plan: Plan = PLAN, fabric: Fabric = ALONE) -> None:
    """Make both zone bridges, up and without any address, with their ports to outside and to other nodes.

    The uplinks are enslaved on the home node only: on two nodes of one zone, with the overlay between
    them, every frame would go round in a circle.
    """
    with IPRoute() as ipr:
        for zone in plan.zones:
            if _index(ipr, zone.bridge) is None:
                ipr.link(
                    "add", ifname=zone.bridge, kind="bridge", br_stp_state=0, br_forward_delay=0
                )
            _quiet(zone.bridge)
            bridge = _must(ipr, zone.bridge)
            ipr.link("set", index=bridge, state="up")
            _check_no_address(ipr, zone.bridge, bridge)
            uplink = _index(ipr, zone.uplink)
            if uplink is not None:
                _quiet(zone.uplink)
                ipr.link("set", index=uplink, master=bridge if fabric.home else 0, state="up")
        overlay.ensure(ipr, plan, fabric)
    if fabric.spans:
        for zone in plan.zones:
            _quiet(zone.overlay)


def ensure_gateway(plan: Plan = PLAN) -> None:
    """Make the four namespaces and the two veths whose inner ends lie in the legs' namespaces.

    Guard's and scanner's get nothing; their `lo` stays down. Bridges are made too when missing.
    """
    with IPRoute() as ipr:
        missing = any(_index(ipr, zone.bridge) is None for zone in plan.zones)
    if missing:
        ensure_bridges(plan)
    present = set(netns.listnetns())
    for name in plan.namespaces:
        if name not in present:
            netns.create(name)
    for zone in plan.zones:
        _ensure_leg(zone)


def remove_gateway(plan: Plan = PLAN) -> None:
    """Remove the legs and the namespaces: the gateway runs on another node."""
    _remove(plan, tuple(zone.leg for zone in plan.zones))


def remove(plan: Plan = PLAN) -> None:
    """Remove the legs, the overlay, the namespaces and the bridges; uplinks are only let go."""
    _remove(plan, tuple(n for zone in plan.zones for n in (zone.leg, zone.overlay, zone.bridge)))


def _remove(plan: Plan, names: tuple[str, ...]) -> None:
    present = set(netns.listnetns())
    with IPRoute() as ipr:
        for name in names:
            index = _index(ipr, name)
            if index is not None:
                ipr.link("del", index=index)
    for name in plan.namespaces:
        if name in present:
            netns.remove(name)


def _ensure_leg(zone: Zone) -> None:
    mac = nic.mac(zone.leg_address)  # the packet filter knows the leg by it
    with IPRoute() as ipr, closing(NetNS(zone.netns)) as inside:
        if _index(ipr, zone.leg) is None or _index(inside, _INSIDE) is None:
            _remove_half(ipr, zone.leg)
            peer = {"ifname": _INSIDE, "net_ns_fd": zone.netns, "address": mac}
            ipr.link("add", ifname=zone.leg, kind="veth", peer=peer)
        _quiet(zone.leg)
        ipr.link("set", index=_must(ipr, zone.leg), master=_must(ipr, zone.bridge), state="up")
        eth0 = _must(inside, _INSIDE)
        _inside_quiet(zone.netns)
        _ensure_address(inside, eth0, zone)
        if inside.get_links(eth0)[0].get_attr("IFLA_ADDRESS") != mac:
            inside.link("set", index=eth0, address=mac)
        inside.link("set", index=eth0, state="up")


def _remove_half(ipr: IPRoute, name: str) -> None:
    index = _index(ipr, name)
    if index is not None:
        ipr.link("del", index=index)


def _ensure_address(inside: NetNS, index: int, zone: Zone) -> None:
    length = int(zone.subnet.rpartition("/")[2])
    held = {address.get_attr("IFA_ADDRESS") for address in inside.get_addr(index=index, family=2)}
    if zone.leg_address not in held:
        inside.addr("add", index=index, address=zone.leg_address, prefixlen=length)


def _quiet(interface: str) -> None:
    """No IPv6 on an interface of a zone: no router's word and no link-local address is wanted."""
    folder = f"/proc/sys/net/ipv6/conf/{interface}"
    for key, value in (("disable_ipv6", b"1"), ("accept_ra", b"0"), ("autoconf", b"0")):
        _write_sysctl(f"{folder}/{key}", value)


def _write_sysctl(path: str, value: bytes) -> None:
    try:
        with open(path, "wb") as file:  # noqa: PTH123 - /proc cannot be replaced atomically
            file.write(value)
    except FileNotFoundError:
        return  # a kernel without IPv6 has nothing to switch off


def _inside_quiet(name: str) -> None:
    for where in ("all", "default"):
        argv = [
            "ip",
            "netns",
            "exec",
            name,
            "sysctl",
            "-qw",
            f"net.ipv6.conf.{where}.disable_ipv6=1",
        ]
        LocalHost().run(argv)


def _index(ipr: IPRoute | NetNS, name: str) -> int | None:
    found = ipr.link_lookup(ifname=name)
    return int(found[0]) if found else None


def _must(ipr: IPRoute | NetNS, name: str) -> int:
    index = _index(ipr, name)
    if index is None:
        raise Failed(what=f"link {name}", why="it is not there")
    return index


def _check_no_address(ipr: IPRoute, name: str, index: int) -> None:
    for address in ipr.get_addr(index=index):
        raise BridgeHasAddress(bridge=name, address=address.get_attr("IFA_ADDRESS"))
