"""The kernel's network and protection switches stand as the box's baseline sets them, on every interface."""

import re
from collections.abc import Iterator

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
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
# What `all` alone does not decide. The kernel takes the larger of both for rp_filter (so 2 there is loose
# for all) and either of both for IPv4 redirects; IPv6 looks at the interface only (Documentation/networking/
# ip-sysctl.rst). `default` is what the next interface begins with.
ON_EACH = {
    "ipv4.rp_filter": ("0", "1"),
    "ipv4.accept_redirects": ("0",),
    "ipv4.send_redirects": ("0",),
    "ipv6.accept_redirects": ("0",),
}
_EACH = re.compile(r"/proc/sys/net/(ipv[46])/conf/(.+)/(\w+):(\d+)")
EVERY = command(
    "grep", "-rs", ".", "/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf",
    "--include=rp_filter", "--include=accept_redirects", "--include=send_redirects", ok=(0, 2),
)  # fmt: skip


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
    each = proofs[1].lines()
    if not any("/default/" in line for line in each):
        return unknown("看不到各网卡的内核开关", "The switches of the interfaces cannot be seen")
    faults += _interfaces(each)
    good = Text(
        f"{len(WANTED)} 个内核开关与基线一致", f"{len(WANTED)} kernel switches as in the baseline"
    )
    return weigh(faults, len(WANTED), good)


def _interfaces(lines: list[str]) -> Iterator[Text]:
    """Give one fault for each switch that some interface holds otherwise."""
    wrong: dict[str, list[str]] = {}
    for line in lines:
        found = _EACH.fullmatch(line)
        if found is None or found[2] in ("all", "lo"):
            continue
        switch = f"{found[1]}.{found[3]}"
        if found[4] not in ON_EACH.get(switch, (found[4],)):
            wrong.setdefault(switch, []).append(found[2])
    for switch, names in wrong.items():
        shown = " ".join(sorted(names)[:6])
        yield Text(f"{switch} 在 {shown} 上未关闭", f"{switch} is not off on {shown}")


CHECK = Check(
    id="kernel_switches",
    kind=Kind.HOST,
    title=Text("内核安全参数与基线一致", "Kernel switches as in the baseline"),
    items=("8.1.10.6.d",),
    questions=(command("sysctl", "-e", *WANTED), EVERY),
    judge=judge,
    kernel_bound=True,
)
