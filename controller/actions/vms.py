"""What may be asked about virtual machines: create, start, stop, delete."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock, nic
from appliance.errors import Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.addresses import free_address
from controller.actions.base import Action, Role
from controller.records.tables import Job, Module, Node, Vm

ZONES = ("intranet", "extranet")


class VmNameTaken(Conflict):
    """Another virtual machine has this name."""

    code = "vm.name_taken"
    text = Text("虚拟机名称已被使用：{name}", "A virtual machine has this name already: {name}")
    hint = Text("请换一个名称。", "Choose another name.")


class VmBusy(Conflict):
    """The virtual machine is being created or deleted by another job."""

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


@dataclass(frozen=True)
class CreateVm(Action):
    """Create a virtual machine from the guest base image; memory in MiB, disk in GiB."""

    vm_id: str
    name: str
    zone: str
    node: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    start: bool

    kind: ClassVar[str] = "vm.create"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "在 {zone} 区创建虚拟机 {name}", "Create the virtual machine {name} in the zone {zone}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vm/{self.vm_id}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("vm_id", self.vm_id, fields.ID)
        fields.matches("name", self.name, fields.NAME)
        fields.one_of("zone", self.zone, ZONES)
        fields.matches("node", self.node, fields.HOST)
        fields.within("vcpus", self.vcpus, 1, 64)
        fields.within("memory_mib", self.memory_mib, 128, 1048576)
        fields.within("disk_gib", self.disk_gib, 2, 4096)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.get(Node, self.node) is None:
            raise NotFound(what="节点 node", name=self.node)
        if session.scalar(select(Vm.id).where(Vm.name == self.name)) is not None:
            raise VmNameTaken(name=self.name)

    def wish(self, session: Session, job_id: str) -> None:
        """Take an address and a MAC and record the machine as wished, not yet there."""
        address = free_address(session, self.zone)
        session.add(
            Vm(
                id=self.vm_id,
                name=self.name,
                node=self.node,
                zone=self.zone,
                address=address,
                mac=nic.mac(address),
                vcpus=self.vcpus,
                memory_mib=self.memory_mib,
                disk_gib=self.disk_gib,
                wished="running" if self.start else "stopped",
                actual="absent",
                job_id=job_id,
                created_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        vm = find(session, self.vm_id)
        wished = {k: v for k, v in asdict(self).items() if k not in ("vm_id", "start")}
        if vm.job_id != job_id or any(getattr(vm, k) != v for k, v in wished.items()):
            raise Conflict(why=f"the record of {self.name} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """Free name and address again; only of a machine that this job wished and that is not there."""
        vm = session.get(Vm, self.vm_id)
        if vm is not None and vm.job_id == job_id and vm.actual == "absent":
            session.delete(vm)


@dataclass(frozen=True)
class _OneVm(Action):
    """Base of what is asked about a machine that is there."""

    vm_id: str

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    wished: ClassVar[str]

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vm/{self.vm_id}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("vm_id", self.vm_id, fields.ID)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        return self.sentence.filled({"vm_id": find(session, self.vm_id).name})

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        vm = find(session, self.vm_id)
        maker = session.get(Job, vm.job_id)
        if maker is None or maker.state in ("succeeded", "failed", "refused", "cancelled"):
            return
        if maker.kind in (CreateVm.kind, DeleteVm.kind):
            raise VmBusy(name=vm.name, job=maker.number)

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        vm = find(session, self.vm_id)
        vm.wished, vm.job_id, vm.version = self.wished, job_id, vm.version + 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`. A later wish may stand beside this one: jobs on a machine are queued."""
        find(session, self.vm_id)

    def forget(self, session: Session, job_id: str) -> None:
        """Wish for what is; only if no later job wished something else."""
        vm = session.get(Vm, self.vm_id)
        if vm is not None and vm.job_id == job_id and vm.wished != vm.actual:
            vm.wished, vm.version = vm.actual, vm.version + 1


@dataclass(frozen=True)
class StartVm(_OneVm):
    """Start a virtual machine."""

    kind: ClassVar[str] = "vm.start"
    sentence: ClassVar[Text] = Text("启动虚拟机 {vm_id}", "Start the virtual machine {vm_id}")
    wished: ClassVar[str] = "running"


@dataclass(frozen=True)
class StopVm(_OneVm):
    """Stop a virtual machine: asked to shut down, or with `force` cut off."""

    force: bool

    kind: ClassVar[str] = "vm.stop"
    sentence: ClassVar[Text] = Text("停止虚拟机 {vm_id}", "Stop the virtual machine {vm_id}")
    wished: ClassVar[str] = "stopped"


@dataclass(frozen=True)
class DeleteVm(_OneVm):
    """Delete a virtual machine with its disks."""

    kind: ClassVar[str] = "vm.delete"
    sentence: ClassVar[Text] = Text(
        "删除虚拟机 {vm_id} 及其磁盘", "Delete the virtual machine {vm_id} with its disks"
    )
    wished: ClassVar[str] = "absent"

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        self._empty(session)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        super().ready(session, job_id)
        self._empty(session)

    def _empty(self, session: Session) -> None:
        module = session.scalar(select(Module.id).where(Module.vm_id == self.vm_id))
        if module is not None:
            raise VmInUse(name=find(session, self.vm_id).name, module=module)


def find(session: Session, vm_id: str) -> Vm:
    """Return the machine's row; raise `VmGone`."""
    vm = session.get(Vm, vm_id)
    if vm is None:
        raise VmGone(what="虚拟机 virtual machine", name=vm_id)
    return vm
