"""The box's packet filter as text: a pure function of zones, flows and what the kernel can do."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from appliance import nic
from appliance.errors import BadInput
from network.zones import Plan

TABLE = "hbox"
MANAGEMENT_PORTS = (22, 8443)
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


def ruleset(plan: Plan, flows: Sequence[Flow], abilities: Abilities) -> str:
    """Return nft text that replaces the box's two tables in one transaction.

    Raises:
        BadInput: a flow names no zone, or an address outside its zone.
    """
    for flow in flows:
        check(flow, plan)
    bridges = ", ".join(f'"{zone.bridge}"' for zone in plan.zones)
    replaced = "".join(
        f"table {family} {TABLE}\ndelete table {family} {TABLE}\n" for family in ("inet", "bridge")
    )
    return replaced + _host_table(plan, bridges) + _bridge_table(plan, flows, abilities)


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


def _host_table(plan: Plan, bridges: str) -> str:
    ports = ", ".join(str(port) for port in MANAGEMENT_PORTS)
    manage = f'iifname "{plan.management}"'
    return f"""table inet {TABLE} {{
	chain input {{
		type filter hook input priority filter; policy drop;
		iifname {{ {bridges} }} drop comment "nothing of a zone reaches the host"
		iifname "lo" accept
		ct state established,related accept
		ct state invalid drop
		{manage} tcp dport {{ {ports} }} accept comment "management: SSH and console"
		{manage} icmp type {{ echo-request, destination-unreachable, time-exceeded }} accept
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


def _bridge_table(plan: Plan, flows: Sequence[Flow], abilities: Abilities) -> str:
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
        f"table bridge {TABLE} {{\n{_origin(plan, flows)}{chains}"
        "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n"
        "\t\tjump origin\n\t\tether type arp accept\n"
        + (tracked if abilities.conntrack else "")
        + jumps
        + "\t}\n}\n"
    )


def _origin(plan: Plan, flows: Sequence[Flow]) -> str:
    """A port speaks under the one address and the one MAC of the machine plugged into it.

    Only the uplinks, where the hospital's own systems are, carry more; never the gateway's address.
    """
    legs = {zone.leg_address: zone.leg for zone in plan.zones}
    ends = {end for flow in flows for end in (flow.source, flow.destination)}
    ports = {end: nic.tap(end) for end in sorted(ends, key=ipaddress.IPv4Address)} | legs
    bound = [(f'"{port}"', nic.mac(address), address) for address, port in ports.items()]
    triples = ", ".join(f"{port} . {mac} . {address}" for port, mac, address in bound)
    fours = ", ".join(f"{port} . {mac} . {mac} . {address}" for port, mac, address in bound)
    uplinks = ", ".join(f'"{zone.uplink}"' for zone in plan.zones)
    ours, macs = ", ".join(legs), ", ".join(nic.mac(address) for address in legs)
    return f"""	set bound {{
		type ifname . ether_addr . ipv4_addr
		elements = {{ {triples} }}
	}}
	set bound_arp {{
		type ifname . ether_addr . ether_addr . ipv4_addr
		elements = {{ {fours} }}
	}}
	chain origin {{
		iifname {{ {uplinks} }} goto outside
		iifname . ether saddr . ip saddr @bound return
		iifname . ether saddr . arp saddr ether . arp saddr ip @bound_arp return
		drop
	}}
	chain outside {{
		ether saddr {{ {macs} }} drop comment "the gateway is not out there"
		ip saddr {{ {ours} }} drop
		arp saddr ip {{ {ours} }} drop
	}}
"""


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
