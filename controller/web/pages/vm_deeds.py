"""What a machine's page can ask for by a button or a small form, in one table."""

from controller.web.deeds import Deed
from controller.web.desk import text, ticked, whole
from controller.web.route import SYSTEM

_VM = "/vms/<vm_id>"
_SNAPSHOT = f"{_VM}/snapshots/<snapshot_id>"

DEEDS = (
    Deed(f"{_VM}/start", "vm.start"),
    Deed(f"{_VM}/pause", "vm.pause"),
    Deed(f"{_VM}/resume", "vm.resume"),
    Deed(f"{_VM}/reset", "vm.reset"),
    Deed(f"{_VM}/resize", "vm.resize", {"vcpus": whole, "memory_mib": whole}),
    Deed(f"{_VM}/nics", "vm.nic.add", {"zone": text}, fresh=("nic_id",)),
    Deed(f"{_VM}/nics/<nic_id>/remove", "vm.nic.remove"),
    Deed(f"{_VM}/snapshots", "vm.snapshot", {"name": text}, fresh=("snapshot_id",)),
    Deed(f"{_SNAPSHOT}/rollback", "vm.rollback"),
    Deed(f"{_SNAPSHOT}/drop", "vm.snapshot.drop"),
    Deed(
        "/vms/<origin>/clone",
        "vm.clone",
        {"name": text, "snapshot_id": text, "full": ticked, "node": text},
        fresh=("vm_id",),
    ),
    Deed(f"{_VM}/migrate", "vm.migrate", {"node": text}, roles=SYSTEM),
    Deed(f"{_VM}/mend", "vm.mend", roles=SYSTEM),
    Deed(f"{_VM}/accept", "vm.accept", roles=SYSTEM),
)
ROUTES = tuple(deed.route(__name__) for deed in DEEDS)
