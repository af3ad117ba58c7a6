"""Each running VM is confined by a label of its own (AppArmor through libvirt)."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Count running domains and their dynamic AppArmor labels in libvirt's status files."""
    lines = proofs[0].lines()
    running = {line.partition(":")[0] for line in lines if "<domstatus" in line}
    labelled = {
        line.partition(":")[0] for line in lines if "<seclabel" in line and "apparmor" in line
    }
    if not running:
        return unknown("此刻没有运行的虚机可查", "No VM runs now")
    faults = [
        Text(f"虚机未受约束：{path}", f"not confined: {path}")
        for path in sorted(running - labelled)
    ]
    return weigh(
        faults, len(running), Text("每台虚机各有安全标记", "Each VM has a label of its own")
    )


CHECK = Check(
    id="vm_confinement",
    kind=Kind.HYPERVISOR,
    title=Text("虚机强制访问控制标记", "VMs are confined by labels"),
    items=("8.1.4.2.g", "8.2.4.3.a"),
    questions=(
        command(
            "grep",
            "-rHE",
            "--include=*.xml",
            "<(domstatus|seclabel) ",
            "/run/libvirt/qemu",
            ok=(0, 1, 2),
        ),
    ),
    judge=judge,
    kernel_bound=True,
)
