"""Each running VM is confined by a label of its own (AppArmor through libvirt)."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge running domains by libvirt's status files, and the machines' processes by the kernel's labels.

    A domain that was made without confinement names AppArmor too, with the type `none`.
    """
    lines = proofs[0].lines()
    running = {line.partition(":")[0] for line in lines if "<domstatus" in line}
    labelled = {
        line.partition(":")[0]
        for line in lines
        if "<seclabel" in line and "apparmor" in line and "type='none'" not in line
    }
    machines = [line for line in proofs[1].lines() if line.split()[-1].startswith("qemu-system")]
    if not running and not machines:
        return unknown("此刻没有运行的虚机可查", "No VM runs now")
    faults = [
        Text(f"虚机未受约束：{path}", f"not confined: {path}")
        for path in sorted(running - labelled)
    ]
    loose = [line for line in machines if not line.lstrip().startswith("libvirt-")]
    if loose:
        faults.append(
            Text(f"{len(loose)} 个虚机进程不受约束", f"{len(loose)} VM processes under no label")
        )
    return weigh(
        faults, max(1, len(running)), Text("每台虚机各有安全标记", "Each VM has a label of its own")
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
        command("ps", "-eo", "label=,comm=", root=True),
    ),
    judge=judge,
    kernel_bound=True,
)
