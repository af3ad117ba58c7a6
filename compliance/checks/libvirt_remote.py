"""libvirt and the VMs' consoles cannot be reached over the network."""

from appliance.errors import Text
from compliance.answers import listeners, peers
from compliance.checks.asked import FABRIC, SOCKETS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

UNITS = (
    "libvirtd-tcp.socket",
    "libvirtd-tls.socket",
    "virtproxyd-tcp.socket",
    "virtproxyd-tls.socket",
)

TLS_PORT = 16514


def judge(proofs: Answers) -> Judgement:
    """Judge libvirt's ports 16509/16514, the consoles' 5900-5999, and the socket units."""
    nodes = bool(peers(proofs[2].out))
    # Nodes of one box reach each other's libvirt over mutual TLS: `migration_tls` looks at its certificates.
    meant = (TLS_PORT,) if nodes else ()
    open_ports = [
        one
        for one in listeners(proofs[0].out)
        if not one.loopback and _ours(one.port) and one.port not in meant
    ]
    faults = [
        Text(f"虚拟化管理或控制台端口开放：{one}", f"libvirt or console port open: {one}")
        for one in open_ports
    ]
    for unit, state in zip(UNITS, proofs[1].lines(), strict=True):
        if state.strip() == "active" and not (nodes and "-tls" in unit):
            faults.append(Text(f"{unit} 已启用", f"{unit} is active"))
    return weigh(
        faults,
        1,
        Text("libvirt 与虚机控制台不经网络开放", "libvirt and consoles are not on the network"),
    )


def _ours(port: int) -> bool:
    return port in (16509, 16514) or 5900 <= port <= 5999


CHECK = Check(
    id="libvirt_remote",
    kind=Kind.HYPERVISOR,
    title=Text("虚拟化平台不经网络明文管理", "libvirt is not managed over the network"),
    items=("8.1.4.1.c", "8.1.4.4.b"),
    questions=(SOCKETS, command("systemctl", "is-active", *UNITS, ok=(0, 3, 4)), FABRIC),
    judge=judge,
)
