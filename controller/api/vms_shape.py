"""A virtual machine's shape: processors and memory, further network interfaces."""

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Text
from controller.actions.vms_shape import AddNic, RemoveNic, ResizeVm
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.vms import NicIn, ResizeIn
from controller.api.vms_one import ask, found, key


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/resize",
        Text("调整虚拟机规格", "Resize a virtual machine"),
        ResizeVm.roles,
        answer=JobOut,
        body=ResizeIn,
        status=202,
    )
)
def resize_vm(call: Call, vm: str) -> Answer:
    """Submit the new size."""
    asked = call.json(ResizeIn)

    def made(session: Session) -> ResizeVm:
        row = found(call, session, vm)
        return ResizeVm(row.id, asked.vcpus or row.vcpus, asked.memory_mib or row.memory_mib)

    return ask(call, vm, made)


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/nics",
        Text("添加网卡", "Add a network interface"),
        AddNic.roles,
        answer=JobOut,
        body=NicIn,
        status=202,
    )
)
def add_nic(call: Call, vm: str) -> Answer:
    """Submit the interface; id, address and MAC are given by the box."""
    asked = call.json(NicIn)

    def made(session: Session) -> AddNic:
        row = found(call, session, vm)
        return AddNic(row.id, chance.new_id(), asked.zone or row.zone)

    return ask(call, vm, made)


@route(
    Form(
        "DELETE",
        "/api/v1/vms/<vm>/nics/<nic>",
        Text("移除网卡", "Remove a network interface"),
        RemoveNic.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_nic(call: Call, vm: str, nic: str) -> Answer:
    """Submit the removal."""
    return ask(call, vm, RemoveNic(key(call, vm), nic))
