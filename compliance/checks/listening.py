"""Only the declared ports are open to others."""

from appliance.errors import Text
from compliance.answers import Listener, listeners, peers
from compliance.checks.asked import FABRIC, SOCKETS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

DECLARED = {
    ("tcp", 22): "ssh",
    ("tcp", 8443): "console",
    ("tcp", 8446): "screens",
    ("tcp", 6514): "logs",
}

BETWEEN_NODES = (
    ("udp", range(123, 124)),  # time, from the home node
    ("udp", range(4789, 4790)),  # the zones' tunnels
    ("tcp", range(3300, 3301)),  # Ceph: monitors
    ("tcp", range(6789, 6790)),
    ("tcp", range(6800, 7569)),  # Ceph: disks
    ("tcp", range(16514, 16515)),  # libvirt over mutual TLS
    ("tcp", range(49152, 49216)),  # live migration
)


def judge(proofs: Answers) -> Judgement:
    """Judge every socket that is not on the loopback."""
    outside = [one for one in listeners(proofs[0].out) if not one.loopback]
    nodes = bool(peers(proofs[1].out))
    extra = [
        one
        for one in outside
        if (one.protocol, one.port) not in DECLARED and not (nodes and _between_nodes(one))
    ]
    faults = [Text(f"未申报的监听 {one}", f"undeclared listener {one}") for one in extra]
    good = Text(
        "对外只监听已申报端口（22、6514、8443、8446）",
        "Only declared ports listen to others (22, 6514, 8443, 8446)",
    )
    return weigh(faults, 1, good)


def _between_nodes(one: Listener) -> bool:
    """What nodes offer each other, and the packet filter lets in from nodes alone: see `management_sources`."""
    return any(one.protocol == protocol and one.port in ports for protocol, ports in BETWEEN_NODES)


CHECK = Check(
    id="listening",
    kind=Kind.HOST,
    title=Text("监听端口与申报一致", "Listening ports are the declared ones"),
    items=("8.1.4.4.b",),
    questions=(SOCKETS, FABRIC),
    judge=judge,
)
