"""What may be asked of a node of the box: bring it to its state, empty it, use it again, let it go."""

import json
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.cluster import OsdDisk
from controller.records.tables import Node, Vm, Volume

ACTIVE, MAINTENANCE, LEAVING = "active", "maintenance", "leaving"


class HomeStays(Conflict):
    """The controller runs on this node."""

    code = "node.is_home"
    text = Text(
        "控制节点 {name} 不能执行此操作", "The controller runs on {name}: that cannot be done to it"
    )
    hint = Text(
        "控制节点上的虚拟机可逐台迁移：hbox vm migrate。",
        "Move its machines away one by one: hbox vm migrate.",
    )


class NotInUse(Conflict):
    """The node is not in the state that this needs."""

    code = "node.state"
    text = Text("节点 {name} 当前状态为 {state}", "The node {name} is {state} now")
    hint = Text(
        "正常顺序：drain（维护）→ restore（恢复）或 remove（移除）。",
        "The order is: drain (maintenance), then restore or remove.",
    )


class StillHolds(Conflict):
    """The node still holds something; nothing that is the last copy is dropped."""

    code = "node.still_holds"
    text = Text("节点 {name} 上仍有：{what}", "The node {name} still holds: {what}")
    hint = Text(
        "请先迁移或删除这些虚拟机与卷，并用 hbox storage disk remove 移出磁盘。",
        "Move or delete these machines and volumes first; take disks out with hbox storage disk remove.",
    )


@dataclass(frozen=True)
class _OnNode(Action):
    """Something asked of one node that is in the box."""

    node: str

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"node/{self.node}"

    def locks(self) -> tuple[str, ...]:
        """One change to the membership at a time."""
        return (self.object, "nodes")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("node", self.node, fields.HOST)

    def row(self, session: Session) -> Node:
        """Return the node's row; raises `NotFound`."""
        row = session.get(Node, self.node)
        if row is None:
            raise NotFound(what="节点 node", name=self.node)
        return row


@dataclass(frozen=True)
class ConfigureNode(_OnNode):
    """Run the roles on a node; `dry` only says what they would change."""

    dry: bool

    kind: ClassVar[str] = "node.configure"
    sentence: ClassVar[Text] = Text("配置节点 {node}", "Bring the node {node} to its state")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = self.row(session)
        if row.state not in (ACTIVE, MAINTENANCE):
            raise NotInUse(name=row.name, state=row.state)


@dataclass(frozen=True)
class DrainNode(_OnNode):
    """Move every running machine off a node; it gets none until it is restored.

    `moves` is JSON, {machine id: node to move to}, decided when it was asked.
    """

    moves: str

    kind: ClassVar[str] = "node.drain"
    sentence: ClassVar[Text] = Text(
        "清空节点 {node}（进入维护）", "Drain the node {node} (maintenance)"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        for vm, target in self.plan().items():
            fields.matches("moves", vm, fields.ID)
            fields.matches("moves", target, fields.HOST)
            if target == self.node:
                raise BadInput(what="moves", why=f"{vm} → {target}")

    def plan(self) -> dict[str, str]:
        """Return machine id -> target; raises `BadInput`."""
        try:
            found = json.loads(self.moves)
        except ValueError as error:
            raise BadInput(what="moves", why=str(error)) from error
        if not isinstance(found, dict) or not all(isinstance(t, str) for t in found.values()):
            raise BadInput(what="moves", why="不是对象 not an object of texts")
        return {str(vm): str(target) for vm, target in found.items()}

    def locks(self) -> tuple[str, ...]:
        """The machines that move are in this job's hands too."""
        return (*super().locks(), *(f"vm/{vm}" for vm in sorted(self.plan())))

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = self.row(session)
        if row.state not in (ACTIVE, MAINTENANCE):
            raise NotInUse(name=row.name, state=row.state)
        for vm_id, target in self.plan().items():
            vm = session.get(Vm, vm_id)
            goal = session.get(Node, target)
            if vm is None or vm.node not in (self.node, target):
                raise BadInput(what="moves", why=f"{vm_id} 不在该节点 is not on this node")
            if goal is None or goal.state != ACTIVE:
                raise NotInUse(name=target, state=goal.state if goal is not None else "?")

    def wish(self, session: Session, job_id: str) -> None:
        """From now on nothing is placed there."""
        row = self.row(session)
        row.state, row.job_id = MAINTENANCE, job_id
        row.version += 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = self.row(session)
        if row.state != MAINTENANCE or row.job_id != job_id:
            raise NotInUse(name=row.name, state=row.state)

    def forget(self, session: Session, job_id: str) -> None:
        """It stays in maintenance: what was moved away stays away, and a person decides."""


@dataclass(frozen=True)
class RestoreNode(_OnNode):
    """End a node's maintenance: machines may be placed there again."""

    kind: ClassVar[str] = "node.restore"
    sentence: ClassVar[Text] = Text("恢复使用节点 {node}", "Use the node {node} again")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = self.row(session)
        if row.state != MAINTENANCE:
            raise NotInUse(name=row.name, state=row.state)


@dataclass(frozen=True)
class RemoveNode(_OnNode):
    """Let a drained node go: it is trusted no longer, and forgotten."""

    kind: ClassVar[str] = "node.remove"
    sentence: ClassVar[Text] = Text("移除节点 {node}", "Remove the node {node}")

    def locks(self) -> tuple[str, ...]:
        """Its part of the storage goes too."""
        return (*super().locks(), "storage/rbd")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = self.row(session)
        if row.home:
            raise HomeStays(name=row.name)
        if row.state != MAINTENANCE:
            raise NotInUse(name=row.name, state=row.state)
        empty(session, self.node)

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        row = self.row(session)
        row.state, row.job_id = LEAVING, job_id
        row.version += 1

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = self.row(session)
        if row.home or row.state != LEAVING or row.job_id != job_id:
            raise NotInUse(name=row.name, state=row.state)
        empty(session, self.node)

    def forget(self, session: Session, job_id: str) -> None:
        """See `Action.forget`."""
        row = session.get(Node, self.node)
        if row is not None and row.state == LEAVING and row.job_id == job_id:
            row.state = MAINTENANCE
            row.version += 1


def empty(session: Session, node: str) -> None:
    """Raise `StillHolds`, naming what is there, unless nothing of the box lies on this node."""
    vms = list(session.scalars(select(Vm.name).where(Vm.node == node).order_by(Vm.name)))
    volumes = select(Volume.id).where(Volume.node == node, Volume.storage == "dir")
    found = [
        *(f"虚拟机 VM {name}" for name in vms),
        *(f"卷 volume {name}" for name in session.scalars(volumes.order_by(Volume.id))),
        *(
            f"磁盘 disk {path}"
            for path in session.scalars(
                select(OsdDisk.path).where(OsdDisk.node == node, OsdDisk.state != "gone")
            )
        ),
    ]
    if found:
        more = f" … (+{len(found) - 8})" if len(found) > 8 else ""
        raise StillHolds(name=node, what="; ".join(found[:8]) + more)
