"""Virtual machines: list, show, create, start, stop, delete."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Stale, Text
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.vms import StopIn, VmFilter, VmIn, VmOut
from controller.records import nodes, vms


@route(
    Form(
        "GET",
        "/api/v1/vms",
        Text("列出虚拟机", "List the virtual machines"),
        READERS,
        answer=Items[VmOut],
        query=VmFilter,
    )
)
def list_vms(call: Call) -> Answer:
    """Answer with the machines by name."""
    wanted = call.asked(VmFilter)

    def ask(session: Session) -> list[VmOut]:
        inside = vms.modules(session)
        found = vms.many(session, zone=wanted.zone, node=wanted.node)
        return [VmOut.of(vm, inside.get(vm.id)) for vm in found]

    return Answer(Items[VmOut](items=call.read(ask)))


@route(
    Form(
        "GET",
        "/api/v1/vms/<vm>",
        Text("查看虚拟机", "Show a virtual machine"),
        READERS,
        answer=VmOut,
    )
)
def show_vm(call: Call, vm: str) -> Answer:
    """Answer with one machine, by id or name, and its ETag."""

    def ask(session: Session) -> VmOut:
        found = vms.get(session, vm)
        return VmOut.of(found, vms.modules(session).get(found.id))

    shown = call.read(ask)
    return Answer(shown, headers={"ETag": f'"{shown.version}"'})


@route(
    Form(
        "POST",
        "/api/v1/vms",
        Text("创建虚拟机", "Create a virtual machine"),
        CreateVm.roles,
        answer=JobOut,
        body=VmIn,
        status=202,
    )
)
def create_vm(call: Call) -> Answer:
    """Submit the creation; id, address and MAC are given by the box."""
    asked = call.json(VmIn)
    node = asked.node or call.read(lambda session: nodes.first(session).name)
    fields = asked.model_dump() | {"node": node}
    return call.submit(CreateVm(vm_id=chance.new_id(), **fields))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/start",
        Text("启动虚拟机", "Start a virtual machine"),
        StartVm.roles,
        answer=JobOut,
        status=202,
    )
)
def start_vm(call: Call, vm: str) -> Answer:
    """Submit the start."""
    return call.submit(StartVm(_id(call, vm)), _unchanged(call, vm))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/stop",
        Text("停止虚拟机", "Stop a virtual machine"),
        StopVm.roles,
        answer=JobOut,
        body=StopIn,
        status=202,
    )
)
def stop_vm(call: Call, vm: str) -> Answer:
    """Submit the stop."""
    force = call.json(StopIn).force
    return call.submit(StopVm(_id(call, vm), force), _unchanged(call, vm))


@route(
    Form(
        "DELETE",
        "/api/v1/vms/<vm>",
        Text("删除虚拟机及其磁盘", "Delete a virtual machine with its disks"),
        DeleteVm.roles,
        answer=JobOut,
        status=202,
    )
)
def delete_vm(call: Call, vm: str) -> Answer:
    """Submit the deletion."""
    return call.submit(DeleteVm(_id(call, vm)), _unchanged(call, vm))


def _id(call: Call, vm: str) -> str:
    return call.read(lambda session: vms.get(session, vm).id)


def _unchanged(call: Call, vm: str) -> Callable[[Session], None]:
    """Refuse when `If-Match` was given and the machine has changed since it was read."""

    def guard(session: Session) -> None:
        wanted = call.if_match
        if wanted not in (None, "*", f'"{vms.get(session, vm).version}"'):
            raise Stale

    return guard
