"""What every question about one virtual machine shares: its row, its errors, who may hold it."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import OWNERS, Action, Role
from controller.records.tables import Job, Module, Vm

ENDED = ("succeeded", "failed", "refused", "cancelled")
POWERS = ("running", "stopped", "paused")
"""What a machine can be wished to be; `absent` and `unknown` are only seen."""
_MAKERS = ("vm.create", "vm.clone", "vm.delete")


class VmNameTaken(Conflict):
    """Another virtual machine has this name."""

    code = "vm.name_taken"
    text = Text("虚拟机名称已被使用：{name}", "A virtual machine has this name already: {name}")
    hint = Text("请换一个名称。", "Choose another name.")


class VmBusy(Conflict):
    """The virtual machine is in the hands of a job that does not go together with this."""

    code = "vm.busy"
    text = Text(
        "虚拟机 {name} 正由任务 {job} 处理",
        "The virtual machine {name} is in the hands of job {job}",
    )
    hint = Text("请等待该任务结束后再试。", "Wait for that job to end, then try again.")


class VmInUse(Conflict):
    """A module lives in the virtual machine."""

    code = "vm.has_module"
    text = Text(
        "虚拟机 {name} 中仍有模块 {module}",
        "The module {module} lives in the virtual machine {name}",
    )
    hint = Text("请先移除该模块。", "Remove the module first.")


class VmGone(NotFound):
    """There is no such virtual machine."""

    code = "vm.not_found"


class VmWrongPower(Conflict):
    """The machine is on where it must be off, or the other way round."""

    code = "vm.wrong_power"
    text = Text(
        "虚拟机 {name} 当前为 {power}，此操作要求 {wanted}",
        "The virtual machine {name} is {power}; this needs it {wanted}",
    )
    hint = Text(
        "请先启动或停止该虚拟机，再重试。", "Start or stop the machine first, then try again."
    )


@dataclass(frozen=True)
class OneVm(Action):
    """Base of what is asked about a machine that is there. It changes no wish by itself."""

    vm_id: str

    roles: ClassVar[frozenset[Role]] = OWNERS

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vm/{self.vm_id}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("vm_id", self.vm_id, fields.ID)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        named = {**self.as_json(), "vm_id": find(session, self.vm_id).name}
        return self.sentence.filled(named)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        vm = find(session, self.vm_id)
        maker = active_job(session, vm.job_id)
        if maker is not None and maker.kind in _MAKERS:
            raise VmBusy(name=vm.name, job=maker.number)

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        find(session, self.vm_id).version += 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`. A later wish may stand beside this one: jobs on a machine are queued."""
        find(session, self.vm_id)


@dataclass(frozen=True)
class PowerVm(OneVm):
    """Base of what wishes a machine on, off or paused."""

    wished: ClassVar[str]

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        vm = find(session, self.vm_id)
        vm.wished, vm.job_id, vm.version = self.wished, job_id, vm.version + 1

    def forget(self, session: Session, job_id: str) -> None:
        """Wish for what is; only if no later job wished something else."""
        vm = session.get(Vm, self.vm_id)
        if vm is None or vm.job_id != job_id or vm.actual == "unknown":
            return
        if vm.wished != vm.actual:
            vm.wished, vm.version = vm.actual, vm.version + 1


def find(session: Session, vm_id: str) -> Vm:
    """Return the machine's row; raise `VmGone`."""
    vm = session.get(Vm, vm_id)
    if vm is None:
        raise VmGone(what="虚拟机 virtual machine", name=vm_id)
    return vm


def active_job(session: Session, job_id: str) -> Job | None:
    """Return the job of that id while it has not ended."""
    job = session.get(Job, job_id)
    return None if job is None or job.state in ENDED else job


def name_free(session: Session, name: str) -> None:
    """Raise `VmNameTaken` when a machine has this name."""
    if session.scalar(select(Vm.id).where(Vm.name == name)) is not None:
        raise VmNameTaken(name=name)


def no_module(session: Session, vm_id: str) -> None:
    """Raise `VmInUse` while a module lives in the machine."""
    module = session.scalar(select(Module.id).where(Module.vm_id == vm_id))
    if module is not None:
        raise VmInUse(name=find(session, vm_id).name, module=module)


def must_be_off(vm: Vm) -> None:
    """Raise `VmWrongPower` unless the machine is off and nobody wishes it on."""
    if vm.actual not in ("stopped", "absent") or vm.wished not in ("stopped", "absent"):
        raise VmWrongPower(name=vm.name, power=vm.actual, wanted="stopped 已关机")
