"""What may be asked about a machine's shape: processors and memory, further network interfaces."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import nic
from appliance.errors import Conflict, NotFound, Text
from controller.actions import fields, placing, quotas
from controller.actions.addresses import free_address
from controller.actions.vms_one import OneVm, VmBusy, active_job, find
from controller.records.cluster import Nic
from controller.records.tables import Vm

NICS = 7  # further interfaces of one machine


class OtherZone(Conflict):
    """An interface in another zone would be a way round the gateway."""

    code = "vm.other_zone"
    text = Text(
        "虚拟机 {name} 属于 {own} 区，不能接入 {zone} 区",
        "The machine {name} belongs to the zone {own}; it cannot have an interface in {zone}",
    )
    hint = Text(
        "跨区数据只能经交换网关：请为此声明通道。",
        "Data crosses zones by the gateway only: declare a channel for it.",
    )


class TooManyNics(Conflict):
    """The machine has as many interfaces as it can have."""

    code = "vm.too_many_nics"
    text = Text(
        "虚拟机 {name} 的网卡已达上限", "The machine {name} has no room for more interfaces"
    )


@dataclass(frozen=True)
class ResizeVm(OneVm):
    """Change processors and memory (MiB): at once where the engine and the guest can, else at its next start."""

    vcpus: int
    memory_mib: int

    kind: ClassVar[str] = "vm.resize"
    sentence: ClassVar[Text] = Text(
        "调整虚拟机 {vm_id}：{vcpus} vCPU，{memory_mib} MiB",
        "Resize the virtual machine {vm_id}: {vcpus} vCPUs, {memory_mib} MiB",
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.within("vcpus", self.vcpus, 1, 64)
        fields.within("memory_mib", self.memory_mib, 128, 1048576)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        vm = find(session, self.vm_id)
        other = active_job(session, str(vm.resizing["job"])) if vm.resizing else None
        if other is not None:
            raise VmBusy(name=vm.name, job=other.number)
        more = quotas.Usage(0, self.vcpus - vm.vcpus, self.memory_mib - vm.memory_mib)
        quotas.check(session, vm.tenant, more)
        if more.memory_mib > 0:
            wanted = placing.Wanted(self.vcpus, self.memory_mib, vm.storage, vm.apart)
            placing.roomy(session, vm.node, wanted, without=vm.id)

    def wish(self, session: Session, job_id: str) -> None:
        """Note the size that is asked for: it counts, but is not yet the machine's."""
        super().wish(session, job_id)
        vm = find(session, self.vm_id)
        sizes = {"from": [vm.vcpus, vm.memory_mib], "to": [self.vcpus, self.memory_mib]}
        vm.resizing = {"job": job_id, **sizes}

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        vm = find(session, self.vm_id)
        noted = vm.resizing or {}
        if noted.get("job") != job_id or noted.get("to") != [self.vcpus, self.memory_mib]:
            raise Conflict(why=f"the record of {vm.name} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        vm = session.get(Vm, self.vm_id)
        if vm is not None and vm.resizing and vm.resizing.get("job") == job_id:
            vm.resizing, vm.version = None, vm.version + 1


@dataclass(frozen=True)
class _OneNic(OneVm):
    nic_id: str

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("nic_id", self.nic_id, fields.ID)


@dataclass(frozen=True)
class AddNic(_OneNic):
    """Give the machine a further interface in its own zone; address and MAC are the box's to give."""

    zone: str

    kind: ClassVar[str] = "vm.nic.add"
    sentence: ClassVar[Text] = Text(
        "为虚拟机 {vm_id} 添加 {zone} 区网卡",
        "Give the virtual machine {vm_id} an interface in the zone {zone}",
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.one_of("zone", self.zone, ("intranet", "extranet"))

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        self._own_zone(session)
        held = select(func.count()).select_from(Nic).where(Nic.vm_id == self.vm_id)
        if (session.scalar(held) or 0) >= NICS:
            raise TooManyNics(name=find(session, self.vm_id).name)

    def wish(self, session: Session, job_id: str) -> None:
        """Take an address and a MAC; the interface is the machine's once it is plugged in."""
        super().wish(session, job_id)
        address = free_address(session, self.zone)
        last = session.scalar(select(func.max(Nic.position)).where(Nic.vm_id == self.vm_id))
        session.add(
            Nic(
                id=self.nic_id,
                vm_id=self.vm_id,
                zone=self.zone,
                address=address,
                mac=nic.mac(address),
                position=(last or 0) + 1,
                state="wished",
                job_id=job_id,
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = session.get(Nic, self.nic_id)
        said = (row.vm_id, row.zone, row.job_id, row.mac == nic.mac(row.address)) if row else ()
        if said != (self.vm_id, self.zone, job_id, True):
            raise Conflict(why="the record of the interface is not what this job wished")
        self._own_zone(session)

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        row = session.get(Nic, self.nic_id)
        if row is not None and row.job_id == job_id and row.state == "wished":
            session.delete(row)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"nic": self.nic_id}

    def _own_zone(self, session: Session) -> None:
        vm = find(session, self.vm_id)
        if vm.zone != self.zone:
            raise OtherZone(name=vm.name, own=vm.zone, zone=self.zone)


@dataclass(frozen=True)
class RemoveNic(_OneNic):
    """Take a further interface away; its address is free again."""

    kind: ClassVar[str] = "vm.nic.remove"
    sentence: ClassVar[Text] = Text(
        "移除虚拟机 {vm_id} 的网卡 {nic_id}",
        "Take the interface {nic_id} away from the virtual machine {vm_id}",
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        row = session.get(Nic, self.nic_id)
        if row is None or row.vm_id != self.vm_id:
            raise NotFound(what="网卡 interface", name=self.nic_id)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        self.check(session)
