"""What may be asked about virtual machines: create, start, stop, delete."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock, nic
from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields, places, placing, quotas, user_data
from controller.actions.addresses import free_address
from controller.actions.base import OWNERS, Action, Role
from controller.actions.rights import Need, Right
from controller.actions.vms_one import (
    PowerVm,
    VmBusy,
    VmGone,
    VmInUse,
    VmNameTaken,
    find,
    name_free,
    no_module,
)
from controller.records.cluster import Nic, Snapshot, Template
from controller.records.tables import Vm, Volume

__all__ = [
    "ZONES",
    "CreateVm",
    "DeleteVm",
    "StartVm",
    "StopVm",
    "VmBusy",
    "VmGone",
    "VmHasClones",
    "VmInUse",
    "VmNameTaken",
    "find",
    "let_go",
]

ZONES = ("intranet", "extranet")
STORAGES = ("dir", "rbd")


class VmHasClones(Conflict):
    """Linked clones rest on the machine's disks."""

    code = "vm.has_clones"
    text = Text(
        "虚拟机 {name} 的磁盘仍被链接克隆使用：{clones}",
        "Linked clones rest on the disks of {name}: {clones}",
    )
    hint = Text("请先删除这些克隆。", "Delete those clones first.")


class TemplateNotReady(Conflict):
    """The template is being taken in, or was found changed."""

    code = "vm.template_not_ready"
    text = Text(
        "模板 {name} 当前为 {state}，不能使用", "The template {name} is {state}: not to be used"
    )
    hint = Text("请重新校验或重新导入该模板。", "Check the template again, or import it anew.")


@dataclass(frozen=True)
class CreateVm(Action):
    """Create a virtual machine; memory in MiB, disk in GiB.

    `template_id` "" is the built-in guest base. Machines of one group `apart` go to different nodes.
    `user_data` is the person's own #cloud-config, handed to the guest as it is.
    """

    vm_id: str
    name: str
    zone: str
    node: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    start: bool
    tenant: str = ""
    storage: str = "dir"
    template_id: str = ""
    apart: str = ""
    user_data: str = ""

    kind: ClassVar[str] = "vm.create"
    roles: ClassVar[frozenset[Role]] = OWNERS
    hidden: ClassVar[frozenset[str]] = frozenset({"user_data"})
    sentence: ClassVar[Text] = Text(
        "在 {zone} 区创建虚拟机 {name}", "Create the virtual machine {name} in the zone {zone}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vm/{self.vm_id}"

    def needs(self, session: Session) -> tuple[Need, ...]:
        """See `Action.needs`: the machine is not there yet, its tenant is."""
        del session
        return (Need(self.right, places.of_tenant(self.tenant)),)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("vm_id", self.vm_id, fields.ID)
        fields.matches("name", self.name, fields.NAME)
        fields.one_of("zone", self.zone, ZONES)
        fields.matches("node", self.node, fields.HOST)
        fields.within("vcpus", self.vcpus, 1, 64)
        fields.within("memory_mib", self.memory_mib, 128, 1048576)
        fields.within("disk_gib", self.disk_gib, 2, 4096)
        fields.one_of("storage", self.storage, STORAGES)
        for what in ("tenant", "apart"):
            if getattr(self, what):
                fields.matches(what, getattr(self, what), fields.NAME)
        if self.template_id:
            fields.matches("template_id", self.template_id, fields.ID)
        user_data.sound(self.user_data)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        name_free(session, self.name)
        fits_template(session, self.template_id, self.disk_gib)
        placing.fits(session, self.node, self.wanted)
        more = quotas.Usage(1, self.vcpus, self.memory_mib, self.disk_gib)
        quotas.check(session, self.tenant, more)

    @property
    def wanted(self) -> placing.Wanted:
        """What the machine asks of its node."""
        return placing.Wanted(self.vcpus, self.memory_mib, self.storage, self.apart)

    def wish(self, session: Session, job_id: str) -> None:
        """Take an address and a MAC and record the machine as wished, not yet there."""
        address = free_address(session, self.zone)
        asked = {key: value for key, value in asdict(self).items() if key not in ("vm_id", "start")}
        session.add(
            Vm(
                id=self.vm_id,
                **asked,
                address=address,
                mac=nic.mac(address),
                wished="running" if self.start else "stopped",
                actual="absent",
                placement=placing.explained(session, self.node, self.wanted),
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
        fits_template(session, self.template_id, self.disk_gib)

    def forget(self, session: Session, job_id: str) -> None:
        """Free name and address again; only of a machine that this job wished and that is not there."""
        vm = session.get(Vm, self.vm_id)
        if vm is not None and vm.job_id == job_id and vm.actual == "absent":
            session.delete(vm)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"node": self.node, "tenant": self.tenant, "template": self.template_id}


@dataclass(frozen=True)
class StartVm(PowerVm):
    """Start a virtual machine; one that is paused goes on."""

    kind: ClassVar[str] = "vm.start"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text("启动虚拟机 {vm_id}", "Start the virtual machine {vm_id}")
    wished: ClassVar[str] = "running"


@dataclass(frozen=True)
class StopVm(PowerVm):
    """Stop a virtual machine: asked to shut down, or with `force` cut off."""

    force: bool

    kind: ClassVar[str] = "vm.stop"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text("停止虚拟机 {vm_id}", "Stop the virtual machine {vm_id}")
    wished: ClassVar[str] = "stopped"


@dataclass(frozen=True)
class DeleteVm(PowerVm):
    """Delete a virtual machine with its own disks; data volumes are let go and stay."""

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
        no_module(session, self.vm_id)
        resting = select(Volume.id).where(Volume.parent.startswith(f"{self.vm_id}/"))
        clones = sorted(session.scalars(resting))
        if clones:
            raise VmHasClones(name=find(session, self.vm_id).name, clones=", ".join(clones))


def fits_template(session: Session, template_id: str, disk_gib: int) -> None:
    """Raise unless the template ("": the guest base) may be used and fits into `disk_gib` GiB."""
    if not template_id:
        return
    template = session.get(Template, template_id)
    if template is None:
        raise NotFound(what="模板 template", name=template_id)
    if template.state != "ready":
        raise TemplateNotReady(name=template.name, state=template.state)
    if disk_gib * 1024 < template.size_mib:
        least = -(-template.size_mib // 1024)
        raise BadInput(what="disk_gib", why=f"模板至少需要 the template needs at least {least} GiB")


def let_go(session: Session, vm_id: str) -> None:
    """Remove the rows that only stand beside the machine's: NICs, snapshots; data volumes are let go."""
    for table in (Nic, Snapshot):
        for row in session.scalars(select(table).where(table.vm_id == vm_id)):
            session.delete(row)
    data = select(Volume).where(Volume.vm_id == vm_id, Volume.kind == "data")
    for volume in session.scalars(data):
        volume.vm_id, volume.version = None, volume.version + 1
