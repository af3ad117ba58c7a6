"""Violations of the boundary: packet filter, forwarding, bridges, addresses, tunnels."""

from collections.abc import Mapping

from tests.violations.violation import Violation

RULES = "nft -s list ruleset"
KEPT = "/run/hbox-violated.nft"
SEEN = {"central_policy": "the node's filter is no longer the controller's"}


def filtered(  # noqa: PLR0917 - a table's columns
    name: str,
    script: str,
    check: str,
    item: str,
    says: str,
    also: Mapping[str, str] = SEEN,
    remedy: str = "",
    already: str = "",
    why: str = "",
) -> Violation:
    """The packet filter changed by hand; the rules from before are loaded again."""
    return Violation(
        id=name,
        breach=f"{RULES} > {KEPT}\n{script}",
        check=check,
        item=item,
        says=says,
        undo=f"{{ echo flush ruleset; cat {KEPT}; }} | nft -f -\nrm {KEPT}",
        watched=(RULES,),
        also=also,
        remedy="" if why else remedy or check,
        already=already,
        why=why,
    )


def linked(
    name: str, breach: str, undo: str, check: str, item: str, says: str, **more: object
) -> Violation:
    """A link, an address or a kernel switch of the node's own network."""
    return Violation(
        id=name,
        breach=breach,
        check=check,
        item=item,
        says=says,
        undo=undo,
        watched=(
            "ip -br address | grep -v gw- | sort",
            "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding",
        ),
        **(
            {"why": "which link belongs where, a person says"} | more
            if "remedy" not in more
            else more
        ),  # type: ignore[arg-type]
    )


def rule_of(family: str, chain: str, word: str) -> str:
    """Return the shell command that deletes the first rule of a chain with this word in it."""
    return (
        f"nft -a list chain {family} hbox {chain} | grep '{word}' | head -n1 | "
        f"sed 's/.*handle //' | xargs nft delete rule {family} hbox {chain} handle"
    )


FILTER = (
    filtered(
        "forward_rule",
        "nft add rule inet hbox forward ip saddr 10.66.0.0/24 accept",
        "forwarding",
        "8.1.2.1.d",
        "forward chain accepts",
    ),
    filtered(
        "forward_policy",
        "nft add chain inet hbox forward '{ policy accept; }'",
        "forwarding",
        "8.1.3.2.a",
        "forward hook does not drop",
    ),
    filtered(
        "open_admin_port",
        "nft insert rule inet hbox input tcp dport 22 accept",
        "management_sources",
        "8.1.4.4.c",
        "open to all",
    ),
    filtered(
        "input_policy",
        "nft add chain inet hbox input '{ policy accept; }'",
        "management_sources",
        "8.1.4.4.c",
        "no input chain drops",
    ),
    filtered(
        "zone_rule_open",
        "nft add rule bridge hbox forward ip saddr 10.66.0.0/24 accept",
        "rule_tuples",
        "8.1.3.2.c",
        "five-tuple",
    ),
    filtered(
        "zone_policy",
        "nft add chain bridge hbox forward '{ policy accept; }'",
        "rule_tuples",
        "8.2.3.1.a",
        "does not drop by default",
        also={**SEEN, "outward": "inside the zones all is let through"},
    ),
    filtered(
        "node_speaks_in_zone",
        rule_of("inet", "output", "br-int"),
        "outward",
        "8.1.3.1.c",
        "may speak in br-int",
        remedy="rule_tuples",
    ),
    filtered(
        "translated_way_out",
        "nft 'table inet violated { chain out { type nat hook postrouting priority 100; "
        "ip saddr 10.88.0.0/24 masquerade; }; }'",
        "outward",
        "8.1.3.1.c",
        "translated",
        also={},
        why="the table is not the box's, which lays its own alone: whose it is, a person says",
    ),
    filtered(
        "ports_unbound",
        "nft flush chain bridge hbox origin",
        "bound_ports",
        "8.1.3.1.b",
        "bound to nothing",
    ),
    filtered(
        "mail_rule",
        "nft add rule inet hbox input ip saddr 10.77.0.9 tcp dport 25 accept",
        "mail_closed",
        "8.1.3.4.b",
        "lets mail pass",
    ),
    filtered(
        "invalid_pass",
        rule_of("inet", "input", "ct state invalid"),
        "state_rules",
        "8.1.3.2.d",
        "table inet lets invalid",
        remedy="rule_tuples",
        already="the lab's kernel knows no state of a connection on a bridge",
    ),
    filtered(
        "filter_flushed",
        "nft flush ruleset",
        "forwarding",
        "8.1.2.1.d",
        "forward hook does not drop",
        also={
            **SEEN,
            "management_sources": "nothing guards the admin ports",
            "rule_tuples": "the zone filter is gone",
            "outward": "the node may speak in both zones",
            "bound_ports": "no port is bound",
            "state_rules": "no rule looks at the state",
        },
    ),
)

LINKS = (
    linked(
        "forwarding_on",
        "sysctl -qw net.ipv4.ip_forward=1",
        "sysctl -qw net.ipv4.ip_forward=0",
        "forwarding",
        "8.1.2.1.d",
        "IPv4 forwarding is on",
        remedy="forwarding",
    ),
    linked(
        "forwarding_on_six",
        "sysctl -qw net.ipv6.conf.all.forwarding=1",
        "sysctl -qw net.ipv6.conf.all.forwarding=0",
        "forwarding",
        "8.1.2.1.d",
        "IPv6 forwarding is on",
        remedy="forwarding",
    ),
    linked(
        "node_in_zone",
        "ip address add 10.66.0.9/24 dev br-int",
        "ip address del 10.66.0.9/24 dev br-int",
        "zone_bridges",
        "8.1.2.1.c",
        "10.66.0.9 on br-int",
        also={"management_zone": "an address of the node in a zone"},
        remedy="zone_bridges",
    ),
    linked(
        "forwarding_with_an_address",
        "sysctl -qw net.ipv4.ip_forward=1\nip address add 10.88.0.8/24 dev br-ext\n"
        "ip address add 10.88.0.9/24 broadcast 10.88.0.255 dev br-ext",
        "sysctl -qw net.ipv4.ip_forward=0\nip address flush dev br-ext",
        "forwarding",
        "8.1.2.1.d",
        "IPv4 forwarding is on",
        also={
            "zone_bridges": "addresses of the node in a zone",
            "management_zone": "the same",
        },
        remedy="forwarding",
    ),
    linked(
        "address_on_zone_port",
        "ip address add 10.99.0.9/24 dev ext0",
        "ip address del 10.99.0.9/24 dev ext0",
        "management_zone",
        "8.1.5.4.a",
        "in a zone: ext0",
    ),
    linked(
        "bridges_joined",
        "ip link add violated0 type veth peer name violated1\n"
        "ip link set violated0 master br-int up\nip link set violated1 master br-ext up",
        "ip link del violated0",
        "zone_bridges",
        "8.1.3.1.a",
        "violated",
        settle=0.5,
    ),
    linked(
        "bridges_joined_by_a_third",
        "ip link add violated2 type bridge\n"
        "for zone in int ext; do\n"
        "    ip link add vio-$zone type veth peer name vio-$zone-far\n"
        "    ip link set vio-$zone master br-$zone up\n"
        "    ip link set vio-$zone-far master violated2 up\n"
        "done",
        "for zone in int ext; do ip link del vio-$zone; done\nip link del violated2",
        "zone_bridges",
        "8.1.3.1.a",
        "violated2",
        settle=0.5,
    ),
    linked(
        "tunnel_up",
        "ip tuntap add dev violated0 mode tun\nip link set violated0 up",
        "ip link del violated0",
        "tunnels",
        "8.1.10.6.i",
        "violated0",
        settle=0.5,
    ),
)

VIOLATIONS = (*FILTER, *LINKS)
