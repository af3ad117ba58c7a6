"""What may be asked about where a machine is and from what it is made: clone it, move it to another node."""

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock, nic
from appliance.errors import Conflict, Text
from controller.actions import fields, placing, quotas
from controller.actions.addresses import free_address
from controller.actions.base import OWNERS, Action, Role
from controller.actions.places import of_tenant, of_vm
from controller.actions.rights import Need
from controller.actions.vms_one import OneVm, find, name_free
from controller.actions.vms_snapshots import find_snapshot, inner_name
from controller.records.tables import Node, Vm, Volume


class VmNotMovable(Conflict):
    """The machine cannot leave its node; `zh` and `en` say why."""

    code = "vm.not_movable"
    text = Text("虚拟机 {name} 不能迁移：{zh}", "The machine {name} cannot be moved: {en}")
    hint = Text(
        "请把磁盘移到复制存储（hbox volume move），或选择其他节点。",
        "Move its disks to replicated storage (hbox volume move), or choose another node.",
    )


def resting_on(origin_volume: str, clone: "CloneVm") -> str:
    """Return `OWNER/KIND@SNAPSHOT`: what the clone's copy of that volume is made from."""
    kept = inner_name(clone.snapshot_id) if clone.snapshot_id else f"clone-{clone.vm_id}"
    return f"{origin_volume}@{kept}"


def twin(clone_id: str, volume: str) -> str:
    """Return the name of the clone's own copy of the origin's volume `OWNER/KIND`.

    A data volume is an object of its own, so its copy gets an owner's id of its own, always the same.
    """
    owner, _, kind = volume.partition("/")
    if kind != "data":
        return f"{clone_id}/{kind}"
    return f"{uuid.uuid5(uuid.UUID(clone_id), owner)}/data"


@dataclass(frozen=True)
class CloneVm(Action):
    """Make a machine from another one's disks as they are now, or from its snapshot `snapshot_id`.

    `full`: copies of its own; else linked clones that rest on the origin. It is another machine: id, MAC,
    address, name, and inside the guest instance-id, machine-id and host keys are new. It is left off.
    """

    vm_id: str
    name: str
    origin: str
    snapshot_id: str
    full: bool
    node: str

    kind: ClassVar[str] = "vm.clone"
    roles: ClassVar[frozenset[Role]] = OWNERS
    sentence: ClassVar[Text] = Text(
        "由虚拟机 {origin} 克隆出 {name}", "Clone the virtual machine {origin} as {name}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vm/{self.vm_id}"

    def needs(self, session: Session) -> tuple[Need, ...]:
        """See `Action.needs`: on what is copied, and where the copy will belong."""
        origin = session.get(Vm, self.origin)
        tenant = origin.tenant if origin is not None else ""
        return (
            Need(self.right, of_vm(session, self.origin)),
            Need(self.right, of_tenant(tenant)),
        )

    def locks(self) -> tuple[str, ...]:
        """The new machine and the one that it is made from."""
        return (self.object, f"vm/{self.origin}")

    def sound(self) -> None:
        """See `Action.sound`."""
        for what in ("vm_id", "origin"):
            fields.matches(what, getattr(self, what), fields.ID)
        fields.matches("name", self.name, fields.NAME)
        fields.matches("node", self.node, fields.HOST)
        if self.snapshot_id:
            fields.matches("snapshot_id", self.snapshot_id, fields.ID)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        return self.sentence.filled({"origin": find(session, self.origin).name, "name": self.name})

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        OneVm.check(_Of(self.origin), session)
        name_free(session, self.name)
        origin = find(session, self.origin)
        if self.snapshot_id:
            find_snapshot(session, self.origin, self.snapshot_id)
        if placing.own_volumes(session, origin) and self.node != origin.node:
            zh, en = "磁盘在其节点的本地存储上", "its disks lie in its node's own storage"
            raise VmNotMovable(name=origin.name, zh=zh, en=en)
        placing.fits(session, self.node, placing.wanted_of(origin))
        disks = origin.disk_gib + sum(volume.size_gib for volume in self._data(session))
        more = quotas.Usage(1, origin.vcpus, origin.memory_mib, disks)
        quotas.check(session, origin.tenant, more)

    def wish(self, session: Session, job_id: str) -> None:
        """Record the machine and its data volumes as wished, not yet there."""
        origin = find(session, self.origin)
        address = free_address(session, origin.zone)
        kept = (
            "zone", "vcpus", "memory_mib", "disk_gib", "tenant", "storage", "template_id", "apart",
            "user_data",
        )  # fmt: skip
        session.add(
            Vm(
                id=self.vm_id,
                name=self.name,
                node=self.node,
                **{name: getattr(origin, name) for name in kept},
                address=address,
                mac=nic.mac(address),
                wished="stopped",
                actual="absent",
                placement=placing.explained(session, self.node, placing.wanted_of(origin)),
                job_id=job_id,
                created_at=clock.iso(),
            )
        )
        session.flush()
        for volume in self._data(session):
            session.add(self._twin(volume, job_id))

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        vm, origin = find(session, self.vm_id), find(session, self.origin)
        same = ("zone", "tenant", "storage", "disk_gib")
        said = (vm.job_id, vm.name, vm.node, *(getattr(vm, name) for name in same))
        if said != (job_id, self.name, self.node, *(getattr(origin, name) for name in same)):
            raise Conflict(why=f"the record of {self.name} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        vm = session.get(Vm, self.vm_id)
        if vm is None or vm.job_id != job_id or vm.actual != "absent":
            return
        for volume in session.scalars(select(Volume).where(Volume.vm_id == self.vm_id)):
            session.delete(volume)
        session.flush()
        session.delete(vm)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"origin": self.origin, "full": self.full}

    def _data(self, session: Session) -> list[Volume]:
        mine = select(Volume).where(Volume.vm_id == self.origin, Volume.kind == "data")
        found = list(session.scalars(mine.order_by(Volume.created_at, Volume.id)))
        if not self.snapshot_id:
            return found
        kept = set(find_snapshot(session, self.origin, self.snapshot_id).volumes)
        return [volume for volume in found if volume.id in kept]

    def _twin(self, volume: Volume, job_id: str) -> Volume:
        return Volume(
            id=twin(self.vm_id, volume.id),
            vm_id=self.vm_id,
            kind="data",
            path="",
            name=f"{self.name}-{volume.name}"[:64],
            storage=volume.storage,
            node=volume.node,
            size_gib=volume.size_gib,
            serial=volume.serial,
            tenant=volume.tenant,
            parent="" if self.full else resting_on(volume.id, self),
            wished="present",
            actual="absent",
            job_id=job_id,
            created_at=clock.iso(),
        )


@dataclass(frozen=True)
class MigrateVm(OneVm):
    """Move the machine to another node: running ones without stopping, over an encrypted channel."""

    node: str

    kind: ClassVar[str] = "vm.migrate"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "将虚拟机 {vm_id} 迁移到节点 {node}", "Move the virtual machine {vm_id} to the node {node}"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("node", self.node, fields.HOST)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        movable(session, find(session, self.vm_id), self.node)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        movable(session, find(session, self.vm_id), self.node)


def movable(session: Session, vm: Vm, node: str) -> None:
    """Raise unless the machine can go to that node: disks, room, the kind of processor."""
    own = placing.own_volumes(session, vm)
    if own or vm.storage == placing.OWN:
        names = ", ".join(own) or vm.storage
        raise VmNotMovable(
            name=vm.name,
            zh=f"磁盘在节点本地存储上：{names}",
            en=f"its disks lie in the node's own storage: {names}",
        )
    if node == vm.node:
        raise VmNotMovable(name=vm.name, zh="它已在该节点上", en="it is on that node already")
    placing.fits(session, node, placing.wanted_of(vm), without=vm.id)
    here, there = session.get(Node, vm.node), session.get(Node, node)
    kinds = {row.accelerator for row in (here, there) if row is not None and row.accelerator}
    if vm.actual in ("running", "paused") and len(kinds) > 1:
        raise VmNotMovable(
            name=vm.name,
            zh="两个节点的加速方式不同（KVM 与 TCG），请先停机",
            en="one node runs guests by KVM, the other by translation: stop it first",
        )


@dataclass(frozen=True)
class _Of(OneVm):
    """The machine that is copied, to be checked as any other."""
