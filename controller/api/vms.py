"""Virtual machines: show, create, start, stop, pause, resume, reset, delete."""

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Text
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.actions.vms_asking import creation
from controller.actions.vms_power import PauseVm, ResetVm, ResumeVm
from controller.api.call import Answer, Call
from controller.api.route import VIEWERS, Form, route
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.vms import StopIn, VmIn, VmWholeOut
from controller.api.vms_one import ask, found, key
from controller.records import vms


@route(
    Form(
        "GET",
        "/api/v1/vms/<vm>",
        Text("查看虚拟机", "Show a virtual machine"),
        VIEWERS,
        answer=VmWholeOut,
    )
)
def show_vm(call: Call, vm: str) -> Answer:
    """Answer with one machine, by id or name, and its ETag."""

    def read(session: Session) -> VmWholeOut:
        row = found(call, session, vm)
        inside = vms.modules(session).get(row.id)
        return VmWholeOut.of(row, inside, vms.beside(session, row.id))

    shown = call.read(read)
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
    """Submit the creation; id, address, MAC, and what was left open, are given by the box."""
    asked = call.json(VmIn).model_dump()
    return call.submit(lambda session: creation(session, chance.new_id(), asked))


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
    return ask(call, vm, StartVm(key(call, vm)))


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
    return ask(call, vm, StopVm(key(call, vm), call.json(StopIn).force))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/pause",
        Text("暂停虚拟机", "Pause a virtual machine"),
        PauseVm.roles,
        answer=JobOut,
        status=202,
    )
)
def pause_vm(call: Call, vm: str) -> Answer:
    """Submit the pause."""
    return ask(call, vm, PauseVm(key(call, vm)))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/resume",
        Text("恢复虚拟机", "Let a paused virtual machine go on"),
        ResumeVm.roles,
        answer=JobOut,
        status=202,
    )
)
def resume_vm(call: Call, vm: str) -> Answer:
    """Submit the going on."""
    return ask(call, vm, ResumeVm(key(call, vm)))


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/reset",
        Text("复位虚拟机", "Reset a virtual machine"),
        ResetVm.roles,
        answer=JobOut,
        status=202,
    )
)
def reset_vm(call: Call, vm: str) -> Answer:
    """Submit the reset."""
    return ask(call, vm, ResetVm(key(call, vm)))


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
    return ask(call, vm, DeleteVm(key(call, vm)))
