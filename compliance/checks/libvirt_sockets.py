"""Only root may command libvirt on the node's own socket."""

from appliance.errors import Text
from compliance.answers import modes, options
from compliance.checks.asked import LIBVIRTD
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

SOCKETS = ("/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock")


def judge(proofs: Answers) -> Judgement:
    """A socket open to all needs polkit; the group that opens it must be empty; no `auth = none`."""
    found, group = modes(proofs[0].out), proofs[1].out.strip()
    conf = options(proofs[2].out)
    if not found:
        return unknown("未见 libvirt 的本地套接字", "No socket of libvirt was seen")
    faults = []
    members = group.split(":")[3] if group.count(":") == 3 else ""
    if members:
        faults.append(
            Text(f"libvirt 组有成员 {members}", f"the libvirt group has members: {members}")
        )
    unguarded = conf.get("auth_unix_rw", "polkit") == "none"
    if unguarded and any(one.bits & 0o002 for one in found):
        faults.append(Text("任何用户都可控制 libvirt", "any user may command libvirt"))
    return weigh(faults, 1, Text("只有 root 能控制 libvirt", "Only root may command libvirt"))


CHECK = Check(
    id="libvirt_sockets",
    kind=Kind.HYPERVISOR,
    title=Text("虚拟化平台本地管理授权", "Who may command libvirt"),
    items=("8.1.4.2.e", "8.1.4.4.c"),
    questions=(
        command("stat", "-c", "%a %U %G %n", *SOCKETS, ok=(0, 1)),
        command("getent", "group", "libvirt", ok=(0, 2)),
        LIBVIRTD,
    ),
    judge=judge,
)
