"""Snapshots of a virtual machine: list, take, bring back, drop."""

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Text
from controller.actions.vms_snapshots import DropVmSnapshot, RollbackVm, SnapshotVm, find_snapshot
from controller.api.call import Answer, Call
from controller.api.route import VIEWERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.vms import SnapshotIn, SnapshotOut
from controller.api.vms_one import ask, found, key
from controller.records import vms


@route(
    Form(
        "GET",
        "/api/v1/vms/<vm>/snapshots",
        Text("列出虚拟机快照", "List a machine's snapshots"),
        VIEWERS,
        answer=Items[SnapshotOut],
    )
)
def list_vm_snapshots(call: Call, vm: str) -> Answer:
    """Answer with the machine's snapshots, oldest first."""

    def read(session: Session) -> list[SnapshotOut]:
        kept = vms.beside(session, found(call, session, vm).id).snapshots
        return [SnapshotOut.model_validate(row) for row in kept]

    return Answer(Items[SnapshotOut](items=call.read(read)))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/snapshots",
        Text("建立虚拟机快照", "Take a snapshot of a machine"),
        SnapshotVm.roles,
        answer=JobOut,
        body=SnapshotIn,
        status=202,
    )
)
def take_vm_snapshot(call: Call, vm: str) -> Answer:
    """Submit the snapshot."""
    name = call.json(SnapshotIn).name
    return ask(call, vm, SnapshotVm(key(call, vm), chance.new_id(), name))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/snapshots/<snapshot>/rollback",
        Text("回滚虚拟机", "Bring a machine back to a snapshot"),
        RollbackVm.roles,
        answer=JobOut,
        status=202,
    )
)
def roll_back_vm(call: Call, vm: str, snapshot: str) -> Answer:
    """Submit the way back; the machine must be off."""

    def made(session: Session) -> RollbackVm:
        row = found(call, session, vm)
        return RollbackVm(row.id, find_snapshot(session, row.id, snapshot).id)

    return ask(call, vm, made)


@route(
    Form(
        "DELETE",
        "/api/v1/vms/<vm>/snapshots/<snapshot>",
        Text("删除虚拟机快照", "Drop a machine's snapshot"),
        DropVmSnapshot.roles,
        answer=JobOut,
        status=202,
    )
)
def drop_vm_snapshot(call: Call, vm: str, snapshot: str) -> Answer:
    """Submit the dropping."""

    def made(session: Session) -> DropVmSnapshot:
        row = found(call, session, vm)
        return DropVmSnapshot(row.id, find_snapshot(session, row.id, snapshot).id)

    return ask(call, vm, made)
