"""The kernel's network and protection switches stand as the box's baseline sets them."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

WANTED = {
    "net.ipv4.ip_forward": "0",
    "net.ipv4.conf.all.rp_filter": "1",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv6.conf.all.accept_redirects": "0",
    "kernel.dmesg_restrict": "1",
    "kernel.kptr_restrict": "2",
    "kernel.randomize_va_space": "2",
    "fs.protected_hardlinks": "1",
    "fs.protected_symlinks": "1",
}


def judge(proofs: Answers) -> Judgement:
    """Compare `sysctl` with the baseline; a switch that this kernel lacks counts as off."""
    held = dict(part.partition(" = ")[::2] for part in proofs[0].lines())
    faults = [
        Text(
            f"{name}={held.get(name, '?')}，应为 {value}",
            f"{name}={held.get(name, '?')}, not {value}",
        )
        for name, value in WANTED.items()
        if held.get(name) != value
    ]
    good = Text(
        f"{len(WANTED)} 个内核开关与基线一致", f"{len(WANTED)} kernel switches as in the baseline"
    )
    return weigh(faults, len(WANTED), good)


CHECK = Check(
    id="kernel_switches",
    kind=Kind.HOST,
    title=Text("内核安全参数与基线一致", "Kernel switches as in the baseline"),
    items=("8.1.10.6.d",),
    questions=(command("sysctl", "-e", *WANTED),),
    judge=judge,
    kernel_bound=True,
)
