"""What may be asked about a machine's snapshots: keep its disks as they are, bring that back, forget it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.rights import Right
from controller.actions.vms_one import OneVm, find, must_be_off
from controller.records.cluster import Snapshot
from controller.records.tables import Volume

MOST = 32  # snapshots of one machine: each makes every later write a little dearer


class SnapshotNameTaken(Conflict):
    """The machine has a snapshot of this name."""

    code = "vm.snapshot_name_taken"
    text = Text("快照名称已被使用：{name}", "There is a snapshot of this name already: {name}")
    hint = Text("请换一个名称。", "Choose another name.")


class TooManySnapshots(Conflict):
    """The machine has as many snapshots as it may have."""

    code = "vm.too_many_snapshots"
    text = Text(
        "虚拟机 {name} 的快照已达上限 {most}", "{name} has {most} snapshots, the most there may be"
    )
    hint = Text("请先删除旧快照。", "Drop old snapshots first.")


class SnapshotInUse(Conflict):
    """Linked clones rest on the snapshot."""

    code = "vm.snapshot_in_use"
    text = Text(
        "快照 {name} 仍被链接克隆使用：{clones}",
        "Linked clones rest on the snapshot {name}: {clones}",
    )
    hint = Text("请先删除这些克隆。", "Delete those clones first.")


class SnapshotUnfit(Conflict):
    """The machine's disks are no longer those that the snapshot was taken of."""

    code = "vm.snapshot_unfit"
    text = Text("快照 {name} 不能回滚：{why}", "The snapshot {name} cannot be brought back: {why}")
    hint = Text(
        "请先把所列数据卷接回该虚拟机。", "Attach the volumes named to the machine again first."
    )


def inner_name(snapshot_id: str) -> str:
    """Return what a machine's snapshot is called in the storages, on each of its volumes."""
    return f"vm-{snapshot_id}"


@dataclass(frozen=True)
class SnapshotVm(OneVm):
    """Keep the present state of all writable disks of the machine, at one instant."""

    snapshot_id: str
    name: str

    kind: ClassVar[str] = "vm.snapshot"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text(
        "为虚拟机 {vm_id} 建立快照 {name}",
        "Take the snapshot {name} of the virtual machine {vm_id}",
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("snapshot_id", self.snapshot_id, fields.ID)
        fields.matches("name", self.name, fields.NAME)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        held = list(session.scalars(select(Snapshot.name).where(Snapshot.vm_id == self.vm_id)))
        if self.name in held:
            raise SnapshotNameTaken(name=self.name)
        if len(held) >= MOST:
            raise TooManySnapshots(name=find(session, self.vm_id).name, most=MOST)

    def wish(self, session: Session, job_id: str) -> None:
        """Note the snapshot as wished; of which volumes, the worker notes when it takes it."""
        super().wish(session, job_id)
        session.add(
            Snapshot(
                id=self.snapshot_id,
                vm_id=self.vm_id,
                name=self.name,
                volumes=[],
                state="making",
                job_id=job_id,
                created_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = session.get(Snapshot, self.snapshot_id)
        said = (row.vm_id, row.name, row.job_id) if row is not None else ()
        if said != (self.vm_id, self.name, job_id):
            raise Conflict(why="the record of the snapshot is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        row = session.get(Snapshot, self.snapshot_id)
        if row is not None and row.job_id == job_id and row.state == "making":
            session.delete(row)


@dataclass(frozen=True)
class _OneSnapshot(OneVm):
    snapshot_id: str

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("snapshot_id", self.snapshot_id, fields.ID)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        names: dict[str, object] = {
            "vm_id": find(session, self.vm_id).name,
            "snapshot_id": find_snapshot(session, self.vm_id, self.snapshot_id).name,
        }
        return self.sentence.filled(names)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"snapshot": self.snapshot_id}

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        self.check(session)


@dataclass(frozen=True)
class RollbackVm(_OneSnapshot):
    """Bring the disks back to a snapshot; what was written since is lost. The machine must be off."""

    kind: ClassVar[str] = "vm.rollback"
    sentence: ClassVar[Text] = Text(
        "将虚拟机 {vm_id} 回滚到快照 {snapshot_id}",
        "Bring the virtual machine {vm_id} back to the snapshot {snapshot_id}",
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        must_be_off(find(session, self.vm_id))
        kept = find_snapshot(session, self.vm_id, self.snapshot_id)
        if kept.state != "ready":
            raise SnapshotUnfit(name=kept.name, why=f"状态 its state is {kept.state}")
        mine = set(session.scalars(select(Volume.id).where(Volume.vm_id == self.vm_id)))
        lost = sorted(set(kept.volumes) - mine)
        if lost:
            raise SnapshotUnfit(
                name=kept.name, why=f"已不在该虚拟机上 not attached: {', '.join(lost)}"
            )


@dataclass(frozen=True)
class DropVmSnapshot(_OneSnapshot):
    """Forget a snapshot; the machine's disks stay as they are now."""

    kind: ClassVar[str] = "vm.snapshot.drop"
    sentence: ClassVar[Text] = Text(
        "删除虚拟机 {vm_id} 的快照 {snapshot_id}",
        "Drop the snapshot {snapshot_id} of the virtual machine {vm_id}",
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        kept = find_snapshot(session, self.vm_id, self.snapshot_id)
        suffix = f"@{inner_name(self.snapshot_id)}"
        resting = select(Volume.id).where(Volume.parent.endswith(suffix))
        clones = sorted(session.scalars(resting))
        if clones:
            raise SnapshotInUse(name=kept.name, clones=", ".join(clones))


def find_snapshot(session: Session, vm_id: str, key: str) -> Snapshot:
    """Return a machine's snapshot by its id or name; raise `NotFound`."""
    rows = select(Snapshot).where(Snapshot.vm_id == vm_id)
    found = session.scalar(rows.where((Snapshot.id == key) | (Snapshot.name == key)).limit(1))
    if found is None:
        raise NotFound(what="快照 snapshot", name=key)
    return found
