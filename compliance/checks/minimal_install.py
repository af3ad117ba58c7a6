"""Nothing is installed that a box has no use for: desktops, compilers, servers of other trades."""

from appliance.errors import Text
from compliance.answers import installed
from compliance.checks.asked import PACKAGES
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh

# By name, or by how the name begins.
NEEDLESS = ("xserver-xorg", "gnome-", "kde-", "lightdm", "gdm3", "apache2", "nginx", "samba", "nfs-kernel-server",
            "cups", "avahi-daemon", "bind9", "snmpd", "exim4", "postfix", "mariadb-server", "redis-server",
            "docker.io", "rpcbind", "nmap", "tcpdump", "wireshark", "john", "hydra", "netcat")  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge the list of installed packages."""
    there = installed(proofs[0].out)
    if not there:
        return unknown("看不到已安装的软件包", "No installed package can be seen")
    extra = [name for name in there if name.startswith(NEEDLESS)]
    faults = [Text(f"不需要的软件 {name}", f"of no use here: {name}") for name in extra]
    good = Text(f"{len(there)} 个软件包中无多余组件", f"{len(there)} packages, none without a use")
    return weigh(faults, 1, good)


CHECK = Check(
    id="minimal_install",
    kind=Kind.HOST,
    title=Text("最小安装", "Minimal installation"),
    items=("8.1.4.4.a",),
    questions=(PACKAGES,),
    judge=judge,
)
