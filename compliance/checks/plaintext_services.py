"""No service that carries passwords in plain text is installed or listening."""

from appliance.errors import Text
from compliance.answers import installed, listeners
from compliance.checks.asked import PACKAGES, SOCKETS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

PORTS = frozenset((21, 23, 69, 512, 513, 514, 873))
NAMES = frozenset(
    (
        "telnetd",
        "inetutils-telnetd",
        "telnetd-ssl",
        "rsh-server",
        "rsh-redone-server",
        "vsftpd",
        "proftpd-core",
        "pure-ftpd",
        "tftpd-hpa",
        "nis",
        "xinetd",
        "inetutils-ftpd",
        "ftpd",
    )
)


def judge(proofs: Answers) -> Judgement:
    """Judge open ports and installed packages."""
    open_ports = [one for one in listeners(proofs[0].out) if one.port in PORTS and not one.loopback]
    faults = [
        Text(f"明文服务端口开放：{one}", f"plain-text service listens on {one}")
        for one in open_ports
    ]
    faults += [
        Text(f"已安装明文服务 {name}", f"plain-text service {name} is installed")
        for name in installed(proofs[1].out)
        if name in NAMES
    ]
    return weigh(
        faults, 1, Text("未发现 telnet、ftp、rsh 等明文服务", "No telnet, ftp or rsh service found")
    )


CHECK = Check(
    id="plaintext_services",
    kind=Kind.HOST,
    title=Text("无明文远程服务", "No plain-text remote service"),
    items=("8.1.4.1.c", "8.1.4.4.b"),
    questions=(SOCKETS, PACKAGES),
    judge=judge,
)
