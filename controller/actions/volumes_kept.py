"""What may be asked about a volume's kept states: snapshot, roll back, drop, clone."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields, places, quotas
from controller.actions.rights import Need, Right
from controller.actions.volumes import serial
from controller.actions.volumes_one import (
    SNAPSHOT,
    VOLUME,
    OneVolume,
    find,
    key,
    name_free,
    no_clones,
    off,
    present,
    shown,
    usable,
)
from controller.records.tables import Volume

MOST = 64
"""Snapshots that one volume may have: each makes every later write a little slower."""


class SnapshotNameTaken(Conflict):
    """The volume has a snapshot of this name."""

    code = "volume.snapshot_taken"
    text = Text(
        "卷 {name} 已有快照 {snapshot}", "The volume {name} has the snapshot {snapshot} already"
    )
    hint = Text("请换一个名称。", "Choose another name.")


class TooManySnapshots(Conflict):
    """The volume has as many snapshots as it may."""

    code = "volume.too_many_snapshots"
    text = Text("卷 {name} 的快照已达 {most} 个", "The volume {name} has {most} snapshots")
    hint = Text("请先删除不用的快照。", "Drop snapshots that are not used first.")


class NoSuchSnapshot(NotFound):
    """The volume has no snapshot of this name."""

    code = "volume.no_such_snapshot"


@dataclass(frozen=True)
class _Kept(OneVolume):
    """Base of what names a state of a volume."""

    name: str
    vm_id: str

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("name", self.name, SNAPSHOT)

    def there(self, session: Session) -> None:
        """Raise `NoSuchSnapshot` unless the volume has it."""
        row = find(session, self.volume_id)
        if self.name not in row.snapshots:
            raise NoSuchSnapshot(what="快照 snapshot", name=f"{shown(row)}@{self.name}")


@dataclass(frozen=True)
class SnapshotVolume(_Kept):
    """Keep a volume's present state under a name."""

    kind: ClassVar[str] = "volume.snapshot"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text(
        "为卷 {volume_id} 建立快照 {name}", "Take the snapshot {name} of the volume {volume_id}"
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        row = find(session, self.volume_id)
        if self.name in row.snapshots:
            raise SnapshotNameTaken(name=shown(row), snapshot=self.name)
        if len(row.snapshots) >= MOST:
            raise TooManySnapshots(name=shown(row), most=MOST)


@dataclass(frozen=True)
class RollBackVolume(_Kept):
    """Bring a kept state back; what was written later is lost. Its machine must be off."""

    kind: ClassVar[str] = "volume.rollback"
    sentence: ClassVar[Text] = Text(
        "将卷 {volume_id} 回滚到快照 {name}", "Roll the volume {volume_id} back to {name}"
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        self.there(session)
        off(session, self.vm_id)


@dataclass(frozen=True)
class DropVolumeSnapshot(_Kept):
    """Forget a kept state."""

    kind: ClassVar[str] = "volume.snapshot.drop"
    sentence: ClassVar[Text] = Text(
        "删除卷 {volume_id} 的快照 {name}", "Drop the snapshot {name} of the volume {volume_id}"
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        self.there(session)
        no_clones(session, self.volume_id, self.name)


@dataclass(frozen=True)
class CloneVolume(OneVolume):
    """Make a data volume from another one: linked to a snapshot of it, or (`full`) independent.

    A full copy of `snapshot` "" is one of the present state, and its machine must be off.
    """

    origin: str
    snapshot: str
    name: str
    full: bool

    kind: ClassVar[str] = "volume.clone"
    sentence: ClassVar[Text] = Text(
        "由卷 {origin} 的快照 {snapshot} 克隆卷 {name}",
        "Clone the volume {name} from the snapshot {snapshot} of {origin}",
    )

    def needs(self, session: Session) -> tuple[Need, ...]:
        """See `Action.needs`: the new volume belongs where its origin does."""
        return (Need(self.right, places.of(session, f"volume/{key(self.origin)}")),)

    def locks(self) -> tuple[str, ...]:
        """See `Action.locks`."""
        return (self.object, f"volume/{key(self.origin)}")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("volume_id", self.volume_id, fields.ID)
        fields.matches("origin", self.origin, VOLUME)
        fields.matches("name", self.name, fields.NAME)
        if self.snapshot or not self.full:
            fields.matches("snapshot", self.snapshot, SNAPSHOT)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        origin = shown(find(session, self.origin))
        return self.sentence.filled({**self.as_json(), "origin": origin})

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        name_free(session, self.name)
        row = self._origin(session)
        quotas.check(session, row.tenant, quotas.Usage(disk_gib=row.size_gib))

    def wish(self, session: Session, job_id: str) -> None:
        """Record the volume as wished, beside its origin, not yet there."""
        row = find(session, self.origin)
        session.add(
            Volume(
                id=key(self.volume_id),
                kind="data",
                path="",
                name=self.name,
                storage=row.storage,
                node=row.node,
                size_gib=row.size_gib,
                serial=serial(self.volume_id),
                tenant=row.tenant,
                parent="" if self.full else f"{row.id}@{self.snapshot}",
                actual="absent",
                job_id=job_id,
                created_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row, origin = find(session, self.volume_id), self._origin(session)
        beside = (row.storage, row.node, row.tenant) == (origin.storage, origin.node, origin.tenant)
        if row.job_id != job_id or row.name != self.name or not beside:
            raise Conflict(why=f"the record of {self.name} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        row = session.get(Volume, key(self.volume_id))
        if row is not None and row.job_id == job_id and row.actual == "absent":
            session.delete(row)

    def _origin(self, session: Session) -> Volume:
        row = present(session, self.origin)
        usable(session, row.storage, row.node)
        if self.snapshot and self.snapshot not in row.snapshots:
            raise NoSuchSnapshot(what="快照 snapshot", name=f"{shown(row)}@{self.snapshot}")
        if not self.snapshot:
            off(session, row.vm_id or "")
        if self.origin == self.volume_id:
            raise BadInput(what="origin", why="不能克隆自身 a volume is no clone of itself")
        return row
