"""Where virtual machines are and come from: placement, migration, clones; what drifted, and its mending."""

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Text
from controller.actions import placing
from controller.actions.vms_asking import cloning, target
from controller.actions.vms_drift import ACCEPTABLE, AcceptVm, MendVm
from controller.actions.vms_moving import CloneVm, MigrateVm
from controller.actions.vms_snapshots import find_snapshot
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.vms import CloneIn, DriftOut, MigrateIn, PlacementOut, PlacementQuery
from controller.api.vms_one import ask, found, key
from controller.records import vms


@route(
    Form(
        "GET",
        "/api/v1/placement",
        Text("预览虚拟机放置", "See where a machine would go, and why"),
        READERS,
        answer=PlacementOut,
        query=PlacementQuery,
    )
)
def show_placement(call: Call) -> Answer:
    """Answer with the choice and a verdict on every node; nothing is made or reserved."""
    asked = call.asked(PlacementQuery)

    def read(session: Session) -> PlacementOut:
        storage = placing.storage(session, asked.storage)
        wanted = placing.Wanted(asked.vcpus, asked.memory_mib, storage, asked.apart)
        choice = placing.choice(session, wanted).as_dict()
        return PlacementOut.model_validate({**choice, "storage": storage})

    return Answer(call.read(read))


@route(
    Form(
        "GET",
        "/api/v1/drift",
        Text("列出与期望不一致的虚拟机", "List the machines that are not as wished"),
        READERS,
        answer=Items[DriftOut],
    )
)
def list_drift(call: Call) -> Answer:
    """Answer with every machine that somebody changed behind the box's back."""

    def read(session: Session) -> list[DriftOut]:
        return [
            DriftOut(
                id=vm.id,
                name=vm.name,
                node=vm.node,
                drift=vm.drift or {},
                acceptable=set(vm.drift or {}) <= ACCEPTABLE,
            )
            for vm in vms.drifted(session)
        ]

    return Answer(Items[DriftOut](items=call.read(read)))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/clone",
        Text("克隆虚拟机", "Clone a virtual machine"),
        CloneVm.roles,
        answer=JobOut,
        body=CloneIn,
        status=202,
    )
)
def clone_vm(call: Call, vm: str) -> Answer:
    """Submit the clone; its id, address and MAC are given by the box. It is left off."""
    asked = call.json(CloneIn).model_dump()
    snapshot = asked.pop("snapshot")

    def made(session: Session) -> CloneVm:
        row = found(call, session, vm)
        kept = find_snapshot(session, row.id, snapshot).id if snapshot else ""
        return cloning(session, chance.new_id(), row.id, {**asked, "snapshot_id": kept})

    return ask(call, vm, made)


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/migrate",
        Text("迁移虚拟机", "Move a virtual machine to another node"),
        MigrateVm.roles,
        answer=JobOut,
        body=MigrateIn,
        status=202,
    )
)
def migrate_vm(call: Call, vm: str) -> Answer:
    """Submit the move."""
    node = call.json(MigrateIn).node

    def made(session: Session) -> MigrateVm:
        row = found(call, session, vm)
        return MigrateVm(row.id, target(session, row.id, node))

    return ask(call, vm, made)


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/mend",
        Text("恢复虚拟机为期望状态", "Bring a machine back to what is wished"),
        MendVm.roles,
        answer=JobOut,
        status=202,
    )
)
def mend_vm(call: Call, vm: str) -> Answer:
    """Submit the mending."""
    return ask(call, vm, MendVm(key(call, vm)))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/accept",
        Text("接受虚拟机的实际状态", "Accept a machine as it really is"),
        AcceptVm.roles,
        answer=JobOut,
        status=202,
    )
)
def accept_vm(call: Call, vm: str) -> Answer:
    """Submit the acceptance."""
    return ask(call, vm, AcceptVm(key(call, vm)))
