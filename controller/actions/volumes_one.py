"""What every question about one volume shares: its row, its errors, the machine that has it."""

import re
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import OWNERS, Action, Role
from controller.actions.vms_one import active_job, must_be_off
from controller.records.cluster import Storage
from controller.records.tables import Node, Vm, Volume

STORAGES = ("dir", "rbd")
OWN = "dir"
"""The storage that is a node's own."""

VOLUME = re.compile(rf"{fields.ID.pattern}(/system)?")
"""A data volume's own id, or a machine's system disk as `VMID/system`."""

SNAPSHOT = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
BIGGEST = 16384
"""GiB; what one volume may have."""

_UNUSABLE = ("making", "error")


class VolumeNameTaken(Conflict):
    """Another volume has this name."""

    code = "volume.name_taken"
    text = Text("卷名称已被使用：{name}", "A volume has this name already: {name}")
    hint = Text("请换一个名称。", "Choose another name.")


class VolumeGone(NotFound):
    """There is no such volume."""

    code = "volume.not_found"


class VolumeBusy(Conflict):
    """The volume is not there yet, or is going."""

    code = "volume.busy"
    text = Text("卷 {name} 当前为 {state}", "The volume {name} is {state} now")
    hint = Text("请等待正在处理它的任务结束。", "Wait for the job that works on it to end.")


class VolumeAttached(Conflict):
    """A machine has the volume, or another one than was said."""

    code = "volume.attached"
    text = Text("卷 {name} 已接入虚拟机 {vm}", "The machine {vm} has the volume {name}")
    hint = Text("请先将其从该虚拟机取下。", "Detach it from that machine first.")


class VolumeDetached(Conflict):
    """No machine has the volume."""

    code = "volume.detached"
    text = Text("卷 {name} 未接入任何虚拟机", "No machine has the volume {name}")


class VolumeHasClones(Conflict):
    """Linked clones rest on the volume or on its snapshot."""

    code = "volume.has_clones"
    text = Text("以下卷以 {name} 为底：{clones}", "These volumes rest on {name}: {clones}")
    hint = Text("请先删除或完整复制这些卷。", "Delete those first, or make full copies of them.")


class StorageUnusable(Conflict):
    """There is no such storage, or it is being set up or in error."""

    code = "storage.unusable"
    text = Text("存储 {name} 不可用：{why}", "The storage {name} cannot be used: {why}")
    hint = Text("请先完成存储设置，或改用 dir。", "Set the storage up first, or use dir.")


def key(volume_id: str) -> str:
    """Return the record's key, which is also the name in the storage: `OWNER/KIND`."""
    return volume_id if "/" in volume_id else f"{volume_id}/data"


@dataclass(frozen=True)
class OneVolume(Action):
    """Base of what is asked about a volume. Some have a field `vm_id`: the machine that has it ("": none).

    It stands in the action, though the records know it, so that the machine is locked too.
    """

    volume_id: str

    roles: ClassVar[frozenset[Role]] = OWNERS

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"volume/{key(self.volume_id)}"

    @property
    def machine(self) -> str:
        """The machine that has the volume as the asker saw it, "" for none."""
        return str(getattr(self, "vm_id", ""))

    def locks(self) -> tuple[str, ...]:
        """See `Action.locks`."""
        return (self.object, *([f"vm/{self.machine}"] if self.machine else []))

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("volume_id", self.volume_id, VOLUME)
        if self.machine:
            fields.matches("vm_id", self.machine, fields.ID)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        named = {**self.as_json(), "volume_id": shown(find(session, self.volume_id))}
        vm = session.get(Vm, self.machine) if self.machine else None
        return self.sentence.filled({**named, "vm_id": vm.name if vm is not None else "-"})

    def check(self, session: Session) -> None:
        """See `Action.check`: it is there, and it is that machine that has it."""
        row = present(session, self.volume_id)
        if (row.vm_id or "") != self.machine:
            raise VolumeAttached(name=shown(row), vm=machine_name(session, row.vm_id or "-"))

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        find(session, self.volume_id).version += 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        self.check(session)


def shown(row: Volume) -> str:
    """Return what a person calls the volume."""
    return row.name or row.id


def machine_name(session: Session, vm_id: str) -> str:
    """Return what a person calls the machine; its id when it is gone."""
    vm = session.get(Vm, vm_id)
    return vm.name if vm is not None else vm_id


def find(session: Session, volume_id: str) -> Volume:
    """Return the volume's row; raise `VolumeGone`."""
    row = session.get(Volume, key(volume_id))
    if row is None:
        raise VolumeGone(what="卷 volume", name=volume_id)
    return row


def present(session: Session, volume_id: str) -> Volume:
    """Return the row of a volume that is there and is to stay; raise `VolumeBusy`."""
    row = find(session, volume_id)
    if row.actual != "present" or row.wished != "present":
        raise VolumeBusy(name=shown(row), state=f"{row.actual} → {row.wished}")
    return row


def holder(session: Session, volume_id: str) -> str:
    """Return the id of the machine that has the volume, "" for none: an action's `vm_id`."""
    return find(session, volume_id).vm_id or ""


def off(session: Session, vm_id: str) -> None:
    """Raise `VmWrongPower` unless the machine ("": none) is off."""
    vm = session.get(Vm, vm_id) if vm_id else None
    if vm is not None:
        must_be_off(vm)


def name_free(session: Session, name: str) -> None:
    """Raise `VolumeNameTaken` when a volume has this name."""
    if session.scalar(select(Volume.id).where(Volume.name == name)) is not None:
        raise VolumeNameTaken(name=name)


def clones(session: Session, volume_id: str, snapshot: str = "") -> list[Volume]:
    """Return the volumes that rest on a volume, or on one snapshot of it."""
    start = f"{key(volume_id)}@"
    resting = select(Volume).where(Volume.parent.startswith(start, autoescape=True))
    found = session.scalars(resting.order_by(Volume.id)).all()
    return [row for row in found if not snapshot or row.parent == start + snapshot]


def no_clones(session: Session, volume_id: str, snapshot: str = "") -> None:
    """Raise `VolumeHasClones` while volumes rest on it."""
    if resting := clones(session, volume_id, snapshot):
        row = find(session, volume_id)
        raise VolumeHasClones(name=shown(row), clones=", ".join(shown(one) for one in resting))


def usable(session: Session, storage: str, node: str) -> None:
    """Raise `StorageUnusable` or `NotFound` unless a volume can be made there."""
    if storage == OWN:
        row = session.get(Node, node)
        if row is None:
            raise NotFound(what="节点 node", name=node)
        if row.state in ("joining", "leaving", "replacing"):
            raise StorageUnusable(name=f"{storage}@{node}", why=row.state)
        return
    held = session.get(Storage, storage)
    if held is None or held.state in _UNUSABLE:
        state = held.state if held is not None else "尚未设置 it is not set up"
        raise StorageUnusable(name=storage, why=state)


def idle(session: Session, row: Volume) -> None:
    """Raise `VolumeBusy` while the job that made the row goes on."""
    if active_job(session, row.job_id) is not None:
        raise VolumeBusy(name=shown(row), state=row.actual)
