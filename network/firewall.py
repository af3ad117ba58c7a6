"""The box's packet filter as text: a pure function of zones, flows and what the kernel can do."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from appliance import nic
from appliance.errors import BadInput
from network.fabric import ALONE, Fabric
from network.zones import Plan

TABLE = "hbox"
MANAGEMENT_PORTS = (22, 8443, 8446)
MEMBER_PORTS = (22,)  # a node that is not home has no console
NODE_PORTS = "3300, 6789, 6800-7568, 16514, 49152-49215"
"""What nodes alone may open on each other: Ceph's monitors and OSDs, libvirt over TLS, live migration."""
LOG_PORT = 6514
"""Where the home node takes the other nodes' logs, over TLS."""
SEGMENT = 1410
"""Bytes of TCP data in one packet between nodes: 1500 of the management net, less 50 of VXLAN, less 40."""
_RARP = "0x8035"
_COMMENT = 100  # bytes; nft takes up to 128


@dataclass(frozen=True)
class Flow:
    """One TCP connection that may be opened inside one zone, from `source` to `destination`:`port`."""

    zone: str
    source: str
    destination: str
    port: int
    purpose: str


@dataclass(frozen=True)
class Abilities:
    """What this kernel's bridge family can do; both come as modules that may be missing."""

    conntrack: bool
    bridge_name: bool


def ruleset(plan: Plan, flows: Sequence[Flow], abilities: Abilities, fabric: Fabric = ALONE) -> str:
    """Return nft text that replaces the box's two tables in one transaction.

    Every node gets all flows: a machine is bound to its address on whichever node it runs.

    Raises:
        BadInput: a flow names no zone, or an address outside its zone.
    """
    for flow in flows:
        check(flow, plan)
    bridges = ", ".join(f'"{zone.bridge}"' for zone in plan.zones)
    replaced = "".join(
        f"table {family} {TABLE}\ndelete table {family} {TABLE}\n" for family in ("inet", "bridge")
    )
    return (
        replaced
        + _host_table(plan, bridges, fabric)
        + _bridge_table(plan, flows, abilities, fabric)
    )


def check(flow: Flow, plan: Plan) -> None:
    """Raise `BadInput` unless `flow` lies inside one zone of `plan`."""
    what = f"flow {flow.source} -> {flow.destination}:{flow.port}"
    subnets = {zone.name: ipaddress.IPv4Network(zone.subnet) for zone in plan.zones}
    if flow.zone not in subnets:
        raise BadInput(what=what, why=f"no zone {flow.zone}")
    try:
        ends = [ipaddress.IPv4Address(flow.source), ipaddress.IPv4Address(flow.destination)]
    except ValueError as error:
        raise BadInput(what=what, why=str(error)) from error
    if any(end not in subnets[flow.zone] for end in ends) or ends[0] == ends[1]:
        raise BadInput(what=what, why=f"not two addresses of {subnets[flow.zone]}")
    if not 0 < flow.port < 65536:
        raise BadInput(what=what, why="no such port")


def _between_nodes(plan: Plan, fabric: Fabric) -> tuple[str, str]:
    """Return the set of the other nodes' addresses and the rules for what they alone may send."""
    if not fabric.spans:
        return "", ""
    listed = ", ".join(str(ipaddress.IPv4Address(peer)) for peer in fabric.peers)
    known = f"\tset nodes {{\n\t\ttype ipv4_addr\n\t\telements = {{ {listed} }}\n\t}}\n"
    head = f'\t\tiifname "{plan.management}" ip saddr @nodes'
    rules = (
        f'{head} udp dport {plan.overlay_port} accept comment "zones of the other nodes"\n'
        f'{head} tcp dport {{ {NODE_PORTS} }} accept comment "storage, libvirt, migration"\n'
    )
    clock = f'{head} udp dport 123 accept comment "the home node has the time"\n'
    logs = f'{head} tcp dport {LOG_PORT} accept comment "the home node keeps the logs"\n'
    return known, rules + (clock + logs if fabric.home else "")


def _host_table(plan: Plan, bridges: str, fabric: Fabric) -> str:
    numbers = MANAGEMENT_PORTS if fabric.home else MEMBER_PORTS
    ports = ", ".join(str(port) for port in numbers)
    manage = f'iifname "{plan.management}"'
    known, between = _between_nodes(plan, fabric)
    return f"""table inet {TABLE} {{
{known}	chain input {{
		type filter hook input priority filter; policy drop;
		iifname {{ {bridges} }} drop comment "nothing of a zone reaches the host"
		iifname "lo" accept
		ct state established,related accept
		ct state invalid drop
		{manage} tcp dport {{ {ports} }} accept comment "management: SSH and console"
{between}		{manage} icmp type {{ echo-request, destination-unreachable, time-exceeded }} accept
		{manage} icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, packet-too-big, echo-request }} accept
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
	}}
	chain output {{
		type filter hook output priority filter; policy accept;
		oifname {{ {bridges} }} drop comment "the host speaks in no zone"
	}}
}}
"""


def _bridge_table(plan: Plan, flows: Sequence[Flow], abilities: Abilities, fabric: Fabric) -> str:
    tracked = "\t\tct state established,related accept\n\t\tct state invalid drop\n"
    jumps = "".join(
        f'\t\tmeta ibrname "{zone.bridge}" jump {zone.name}\n'
        if abilities.bridge_name
        # Without the bridge's name the zone's own addresses tell it; a flow lies in one subnet.
        else f"\t\tip saddr {zone.subnet} ip daddr {zone.subnet} jump {zone.name}\n"
        for zone in plan.zones
    )
    chains = "".join(
        f"\tchain {zone.name} {{\n"
        + "".join(_opened(flow, abilities) for flow in flows if flow.zone == zone.name)
        + "\t}\n"
        for zone in plan.zones
    )
    return (
        f"table bridge {TABLE} {{\n{_origin(plan, flows, fabric)}{chains}"
        "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n"
        f"\t\tjump origin\n\t\tether type arp accept\n{_announced(fabric)}{_far(plan, fabric)}"
        + (tracked if abilities.conntrack else "")
        + jumps
        + "\t}\n}\n"
    )


def _origin(plan: Plan, flows: Sequence[Flow], fabric: Fabric) -> str:
    """A port speaks under the one address and the one MAC of the machine plugged into it.

    Only the uplinks, where the hospital's own systems are, carry more; never the gateway's address.
    What comes from another node was bound there, at the machine's own port; only the home node's
    gateway speaks as the gateway, so at home nothing from another node does.
    """
    legs = {zone.leg_address: zone.leg for zone in plan.zones}
    ends = {end for flow in flows for end in (flow.source, flow.destination)}
    taps = {end: nic.tap(end) for end in sorted(ends, key=ipaddress.IPv4Address)}
    ports = taps | legs if fabric.home else {end: taps[end] for end in taps if end not in legs}
    bound = [(f'"{port}"', nic.mac(address), address) for address, port in ports.items()]
    triples = ", ".join(f"{port} . {mac} . {address}" for port, mac, address in bound)
    fours = ", ".join(f"{port} . {mac} . {mac} . {address}" for port, mac, address in bound)
    uplinks = ", ".join(f'"{zone.uplink}"' for zone in plan.zones)
    ours, macs = ", ".join(legs), ", ".join(nic.mac(address) for address in legs)
    overlays = ", ".join(f'"{zone.overlay}"' for zone in plan.zones)
    far = "goto outside" if fabric.home else "return"
    nodes = f"\t\tiifname {{ {overlays} }} {far}\n" if fabric.spans else ""
    pairs = ", ".join(f"{port} . {mac}" for port, mac, _ in bound)
    cards, moved = _movers(pairs) if fabric.spans else ("", "")
    return f"""	set bound {{
		type ifname . ether_addr . ipv4_addr
{_elements(triples)}	}}
	set bound_arp {{
		type ifname . ether_addr . ether_addr . ipv4_addr
{_elements(fours)}	}}
{cards}	chain origin {{
		iifname {{ {uplinks} }} goto outside
{nodes}		iifname . ether saddr . ip saddr @bound return
		iifname . ether saddr . arp saddr ether . arp saddr ip @bound_arp return
{moved}		drop
	}}
	chain outside {{
		ether saddr {{ {macs} }} drop comment "the gateway is not out there"
		ip saddr {{ {ours} }} drop
		arp saddr ip {{ {ours} }} drop
	}}
"""


def _movers(pairs: str) -> tuple[str, str]:
    """Return the set and the rule by which QEMU says (RARP) that a machine moved here: under its own MAC."""
    cards = f"\tset bound_card {{\n\t\ttype ifname . ether_addr\n{_elements(pairs)}\t}}\n"
    return cards, f"\t\tether type {_RARP} iifname . ether saddr @bound_card return\n"


def _announced(fabric: Fabric) -> str:
    return f"\t\tether type {_RARP} accept\n" if fabric.spans else ""


def _far(plan: Plan, fabric: Fabric) -> str:
    """What goes to another node is told to send segments that fit; all that passes is TCP.

    The kernel would answer a larger one with an ICMP that no flow lets through, and the line would stall.
    """
    if not fabric.spans:
        return ""
    overlays = ", ".join(f'"{zone.overlay}"' for zone in plan.zones)
    large = f"tcp option maxseg size > {SEGMENT} tcp option maxseg size set {SEGMENT}"
    return f"\t\toifname {{ {overlays} }} tcp flags & syn == syn {large}\n"


def _elements(listed: str) -> str:
    return f"\t\telements = {{ {listed} }}\n" if listed else ""


def _opened(flow: Flow, abilities: Abilities) -> str:
    note = f'comment "{_plain(flow.purpose)}"'
    there = f"ip saddr {flow.source} ip daddr {flow.destination} tcp dport {flow.port}"
    if abilities.conntrack:
        return f"\t\t{there} ct state new accept {note}\n"
    # No state: the way back is open for this port, but not for a segment that opens a connection.
    back = f"ip saddr {flow.destination} ip daddr {flow.source} tcp sport {flow.port}"
    return f"\t\t{there} accept {note}\n\t\t{back} tcp flags & (syn | ack) != syn accept {note}\n"


def _plain(text: str) -> str:
    kept = "".join(c for c in text if c.isprintable() and c not in '"\\')
    return kept.encode()[:_COMMENT].decode("utf-8", "ignore")
