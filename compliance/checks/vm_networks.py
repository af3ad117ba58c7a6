"""Every VM hangs on exactly one zone bridge; libvirt has no network of its own."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

ZONES = frozenset(("br-int", "br-ext"))


def judge(proofs: Answers) -> Judgement:
    """Judge the interfaces in all domain files, and libvirt's list of networks."""
    faults = [
        Text(f"存在 libvirt 网络 {name.strip()}", f"libvirt network {name.strip()} exists")
        for name in proofs[0].lines()
    ]
    bridges: dict[str, set[str]] = {}
    for line in proofs[1].lines():
        path, _, text = line.partition(":")
        kind = re.search(r"<interface type=['\"](\w+)", text)
        if kind and kind[1] != "bridge":
            faults.append(
                Text(f"虚机网卡类型为 {kind[1]}：{path}", f"a NIC of type {kind[1]}: {path}")
            )
        bridge = re.search(r"<source [^>]*bridge=['\"]([^'\"]+)", text)
        if bridge:
            bridges.setdefault(path.rsplit("/", 1)[-1], set()).add(bridge[1])
    for domain, used in sorted(bridges.items()):
        if len(used) > 1 or used - ZONES:
            shown = ",".join(sorted(used))
            faults.append(Text(f"虚机 {domain} 接入 {shown}", f"VM {domain} hangs on {shown}"))
    good = Text(
        f"{len(bridges)} 台虚机各只接入一个区域", f"{len(bridges)} VMs, each on one zone only"
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="vm_networks",
    kind=Kind.HYPERVISOR,
    title=Text("虚机只接入所属区域", "VMs are in one zone each"),
    items=("8.1.2.1.d", "8.1.3.1.a", "8.2.2.1.b", "8.2.5.1.b"),
    questions=(
        command("virsh", "-r", "-c", "qemu:///system", "net-list", "--all", "--name", root=True),
        command(
            "grep",
            "-rHE",
            "--include=*.xml",
            "<(interface type|source [^>]*bridge)=",
            "/etc/libvirt/qemu",
            "/run/libvirt/qemu",
            ok=(0, 1, 2),
        ),
    ),
    judge=judge,
)
