"""What may be asked about where a volume lies: move it to another storage or another node's own."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, Conflict, Text
from controller.actions import fields
from controller.actions.base import Role
from controller.actions.volumes_one import (
    OWN,
    STORAGES,
    OneVolume,
    find,
    key,
    no_clones,
    off,
    shown,
    usable,
)
from controller.records.cluster import Snapshot
from controller.records.tables import Vm, Volume


class VolumeHasSnapshots(Conflict):
    """A copy would not have the volume's snapshots."""

    code = "volume.has_snapshots"
    text = Text(
        "卷 {name} 有快照，移动会丢失它们：{snapshots}",
        "The volume {name} has snapshots, and moving would lose them: {snapshots}",
    )
    hint = Text("请先删除快照。", "Drop the snapshots first.")


@dataclass(frozen=True)
class MoveVolume(OneVolume):
    """Move a volume to `storage` (of `node`, where it is a node's own); its machine must be off.

    `VMID/system` moves all that belongs to the machine itself. `source` and `source_node` are where
    it lies now: a job that goes on after a crash must know what it came from.
    """

    storage: str
    node: str
    vm_id: str
    source: str
    source_node: str

    kind: ClassVar[str] = "volume.move"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "将卷 {volume_id} 移动到存储 {storage} {node}",
        "Move the volume {volume_id} to the storage {storage} {node}",
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        ends = (
            ("storage", self.storage, "node", self.node),
            ("source", self.source, "source_node", self.source_node),
        )
        for what, storage, which, node in ends:
            fields.one_of(what, storage, STORAGES)
            if storage == OWN:
                fields.matches(which, node, fields.HOST)
            elif node:
                raise BadInput(what=which, why="共享存储不属于任何节点 no node's own storage")
        if ends[0][1::2] == ends[1][1::2]:
            raise BadInput(what="storage", why="卷已在该处 the volume lies there already")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        row = find(session, self.volume_id)
        if (row.storage, row.node) != (self.source, self.source_node):
            raise Conflict(why=f"{shown(row)}: {row.storage} {row.node}")
        usable(session, self.storage, self.node)
        off(session, self.vm_id)
        no_clones(session, self.volume_id)
        self._no_snapshots(session, row)
        self._machine_stays(session)

    def _no_snapshots(self, session: Session, row: Volume) -> None:
        kept = list(row.snapshots)
        if self.vm_id:
            mine = select(Snapshot).where(Snapshot.vm_id == self.vm_id)
            kept += [
                one.name for one in session.scalars(mine) if key(self.volume_id) in one.volumes
            ]
        if kept:
            raise VolumeHasSnapshots(name=shown(row), snapshots=", ".join(kept))

    def _machine_stays(self, session: Session) -> None:
        vm = session.get(Vm, self.vm_id) if self.vm_id else None
        if vm is not None and self.storage == OWN and vm.node != self.node:
            why = f"虚拟机 {vm.name} 在节点 {vm.node} the machine is on that node"
            raise BadInput(what="node", why=why)
