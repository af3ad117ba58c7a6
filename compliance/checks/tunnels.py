"""No way in for remote maintenance stands open: no tunnel is up and nothing listens for one."""

import json

from appliance.errors import Text
from compliance.answers import listeners
from compliance.checks.asked import SOCKETS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# OpenVPN, PPTP, L2TP, WireGuard, IKE, RDP, VNC, TeamViewer, AnyDesk
PORTS = frozenset((1194, 1723, 1701, 51820, 500, 4500, 3389, 5938, 7070))
KINDS = ("wireguard", "tun", "ppp", "ipip", "sit", "gre", "gretap", "ip6tnl", "vti", "vti6", "xfrm",
         "ip6gre", "ip6gretap", "geneve", "bareudp", "l2tp", "gtp")  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge the kinds of links (the ports of VMs are of kind tun, in a bridge) and the listening ports."""
    faults = []
    for link in json.loads(proofs[0].out):
        kind = link.get("linkinfo", {}).get("info_kind", "")
        # The port of a machine is a `tun` in a bridge; any other kind there would carry the zone away.
        if kind in KINDS and not (kind == "tun" and link.get("master")):
            faults.append(
                Text(f"隧道接口 {link['ifname']}（{kind}）", f"a tunnel: {link['ifname']} ({kind})")
            )
    faults += [
        Text(f"远程维护端口开放 {one}", f"a port for remote maintenance: {one}")
        for one in listeners(proofs[1].out)
        if one.port in PORTS and not one.loopback
    ]
    return weigh(
        faults, 1, Text("没有开放的远程维护通道", "No way in for remote maintenance is open")
    )


CHECK = Check(
    id="tunnels",
    kind=Kind.BOUNDARY,
    title=Text("远程运维通道平时关闭", "Remote maintenance is closed"),
    items=("8.1.10.6.i",),
    questions=(command("ip", "-d", "-j", "link", "show"), SOCKETS),
    judge=judge,
)
