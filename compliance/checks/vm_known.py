"""Every VM that libvirt knows is one that the controller asked for."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql


def judge(proofs: Answers) -> Judgement:
    """Compare libvirt's list of domains with the controller's records, by uuid."""
    known = {str(row["id"]) for row in rows(proofs[1].out)}
    seen = [line.strip() for line in proofs[0].lines()]
    strange = [uuid for uuid in seen if uuid not in known]
    faults = [Text(f"未登记的虚机 {uuid}", f"a VM nobody asked for: {uuid}") for uuid in strange]
    return weigh(
        faults, 1, Text(f"{len(seen)} 台虚机均已登记", f"All {len(seen)} VMs are in the records")
    )


CHECK = Check(
    id="vm_known",
    kind=Kind.HYPERVISOR,
    title=Text("无未登记虚机", "No VM outside the records"),
    items=("8.2.4.3.b",),
    questions=(
        command("virsh", "-r", "-c", "qemu:///system", "list", "--all", "--uuid", root=True),
        sql("SELECT id, name FROM vms ORDER BY name"),
    ),
    judge=judge,
)
