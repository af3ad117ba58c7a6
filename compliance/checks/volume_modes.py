"""Disks of VMs are closed to everybody but root and QEMU's own account."""

from appliance.errors import Text
from compliance.answers import modes
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """No disk may be open to others, nor belong to an account that is neither root nor QEMU's."""
    found = modes(proofs[0].out)
    if not found:
        return unknown("此刻没有虚机磁盘可查", "There is no VM disk to look at now")
    loose = [one for one in found if one.bits & 0o007 or one.user not in ("root", "libvirt-qemu")]
    faults = [
        Text(f"{one.path} {one.bits:04o} {one.user}", f"{one.path} {one.bits:04o} {one.user}")
        for one in loose
    ]
    good = Text(
        f"{len(found)} 个虚机磁盘文件均不对外开放",
        f"{len(found)} VM disk files are closed to others",
    )
    return weigh(faults, len(found), good)


CHECK = Check(
    id="volume_modes",
    kind=Kind.HYPERVISOR,
    title=Text("虚机磁盘文件权限", "Modes of VM disks"),
    items=("8.2.4.4.c", "8.1.4.2.f"),
    questions=(
        command(
            "find", "/var/lib/hbox/volumes", "-type", "f", "-printf", "%m %u %g %p\\n", ok=(0, 1)
        ),
    ),
    judge=judge,
)
