"""What may be asked about volumes: create, attach, detach, grow, delete."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, Text
from controller.actions import fields, places, quotas
from controller.actions.rights import Need, Right
from controller.actions.vms_one import find as find_vm
from controller.actions.volumes_one import (
    BIGGEST,
    OWN,
    STORAGES,
    OneVolume,
    VolumeAttached,
    VolumeDetached,
    find,
    key,
    machine_name,
    name_free,
    no_clones,
    present,
    shown,
    usable,
)
from controller.records.tables import Vm, Volume


class VolumeElsewhere(Conflict):
    """The machine runs on another node than the one that has the volume in its own storage."""

    code = "volume.elsewhere"
    text = Text(
        "卷 {name} 位于节点 {node} 的本地存储，虚拟机 {vm} 在节点 {other}",
        "The volume {name} lies in the own storage of {node}, the machine {vm} is on {other}",
    )
    hint = Text(
        "请先把该卷移动到该节点或共享存储。",
        "Move the volume there or to the shared storage first.",
    )


class OtherTenant(Conflict):
    """Volume and machine belong to different tenants."""

    code = "volume.other_tenant"
    text = Text(
        "卷 {name} 与虚拟机 {vm} 不属于同一租户", "Volume {name} and machine {vm}: another tenant"
    )


@dataclass(frozen=True)
class CreateVolume(OneVolume):
    """Create an empty volume of `gib` GiB; `node` names the node where the storage is a node's own."""

    name: str
    gib: int
    storage: str
    node: str
    tenant: str = ""

    kind: ClassVar[str] = "volume.create"
    sentence: ClassVar[Text] = Text(
        "在存储 {storage} 建立卷 {name}（{gib} GiB）",
        "Create the volume {name} of {gib} GiB in the storage {storage}",
    )

    def needs(self, session: Session) -> tuple[Need, ...]:
        """See `Action.needs`: the volume is not there yet, its tenant is."""
        del session
        return (Need(Right.MANAGE, places.of_tenant(self.tenant)),)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("volume_id", self.volume_id, fields.ID)
        fields.matches("name", self.name, fields.NAME)
        fields.within("gib", self.gib, 1, BIGGEST)
        fields.one_of("storage", self.storage, STORAGES)
        if self.storage == OWN:
            fields.matches("node", self.node, fields.HOST)
        elif self.node:
            raise BadInput(what="node", why="共享存储不属于任何节点 this storage is no node's own")
        if self.tenant:
            fields.matches("tenant", self.tenant, fields.NAME)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        return self.title()

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        usable(session, self.storage, self.node)
        name_free(session, self.name)
        quotas.check(session, self.tenant, quotas.Usage(disk_gib=self.gib))

    def wish(self, session: Session, job_id: str) -> None:
        """Record the volume as wished, not yet there."""
        session.add(
            Volume(
                id=key(self.volume_id),
                kind="data",
                path="",
                name=self.name,
                storage=self.storage,
                node=self.node,
                size_gib=self.gib,
                serial=serial(self.volume_id),
                tenant=self.tenant,
                actual="absent",
                job_id=job_id,
                created_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = find(session, self.volume_id)
        wished = (self.name, self.gib, self.storage, self.node, self.tenant, job_id)
        held = (row.name, row.size_gib, row.storage, row.node, row.tenant, row.job_id)
        if wished != held:
            raise Conflict(why=f"the record of {self.name} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """Free the name again; only of a volume that this job wished and that is not there."""
        row = session.get(Volume, key(self.volume_id))
        if row is not None and row.job_id == job_id and row.actual == "absent":
            session.delete(row)


@dataclass(frozen=True)
class AttachVolume(OneVolume):
    """Give a data volume to a machine, at once if it runs."""

    vm_id: str

    kind: ClassVar[str] = "volume.attach"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text(
        "将卷 {volume_id} 接入虚拟机 {vm_id}", "Attach the volume {volume_id} to {vm_id}"
    )

    def needs(self, session: Session) -> tuple[Need, ...]:
        """See `Action.needs`: both belong to whoever asks."""
        ends = (self.object, f"vm/{self.vm_id}")
        return tuple(Need(self.right, places.of(session, end)) for end in ends)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("volume_id", self.volume_id, fields.ID)
        fields.matches("vm_id", self.vm_id, fields.ID)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row, vm = present(session, self.volume_id), find_vm(session, self.vm_id)
        if row.vm_id is not None:
            raise VolumeAttached(name=shown(row), vm=machine_name(session, row.vm_id))
        if row.storage == OWN and row.node != vm.node:
            raise VolumeElsewhere(name=shown(row), node=row.node, vm=vm.name, other=vm.node)
        if row.tenant and row.tenant != vm.tenant:
            raise OtherTenant(name=shown(row), vm=vm.name)


@dataclass(frozen=True)
class DetachVolume(OneVolume):
    """Take a data volume from its machine; a running guest is waited for until it lets go."""

    vm_id: str

    kind: ClassVar[str] = "volume.detach"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text(
        "将卷 {volume_id} 从虚拟机 {vm_id} 取下", "Detach the volume {volume_id} from {vm_id}"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("volume_id", self.volume_id, fields.ID)
        if self.vm_id:
            fields.matches("vm_id", self.vm_id, fields.ID)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if present(session, self.volume_id).vm_id is None:
            raise VolumeDetached(name=shown(find(session, self.volume_id)))
        super().check(session)


@dataclass(frozen=True)
class GrowVolume(OneVolume):
    """Enlarge a volume to `gib` GiB, also while a machine has it open; it never shrinks."""

    gib: int
    vm_id: str

    kind: ClassVar[str] = "volume.grow"
    sentence: ClassVar[Text] = Text(
        "将卷 {volume_id} 扩大到 {gib} GiB", "Enlarge the volume {volume_id} to {gib} GiB"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.within("gib", self.gib, 1, BIGGEST)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        row = find(session, self.volume_id)
        if self.gib < row.size_gib:
            why = f"{row.size_gib} GiB：卷不能缩小 a volume does not shrink"
            raise BadInput(what="gib", why=why)
        more = quotas.Usage(disk_gib=self.gib - row.size_gib)
        quotas.check(session, self._tenant(session, row), more)

    def _tenant(self, session: Session, row: Volume) -> str:
        vm = session.get(Vm, row.vm_id) if row.vm_id and row.kind == "system" else None
        return vm.tenant if vm is not None else row.tenant


@dataclass(frozen=True)
class DeleteVolume(OneVolume):
    """Delete a data volume that no machine has: its content is overwritten, read back, removed."""

    kind: ClassVar[str] = "volume.delete"
    sentence: ClassVar[Text] = Text(
        "删除卷 {volume_id} 并清除其内容", "Delete the volume {volume_id} and erase its content"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("volume_id", self.volume_id, fields.ID)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        no_clones(session, self.volume_id)

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        row = find(session, self.volume_id)
        row.wished, row.job_id, row.version = "absent", job_id, row.version + 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = find(session, self.volume_id)
        if row.job_id != job_id or row.vm_id is not None:
            raise Conflict(why=f"the record of {shown(row)} is not what this job wished")
        no_clones(session, self.volume_id)

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        row = session.get(Volume, key(self.volume_id))
        if row is not None and row.job_id == job_id:
            row.wished, row.version = "present", row.version + 1


def serial(volume_id: str) -> str:
    """Return how a guest finds a data volume: at most 20 characters, from its id."""
    return "vol-" + volume_id.replace("-", "")[:16]
