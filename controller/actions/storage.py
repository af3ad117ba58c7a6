"""What may be asked of the replicated storage: set it up, add, remove and replace a disk."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.cluster import OsdDisk, Storage
from controller.records.tables import Node

NAME = "rbd"
LOCK = f"storage/{NAME}"
LEAST = 3  # nodes: one copy on each
# A device, or in a lab a file in the folder for such files; never a path that climbs.
PATH = re.compile(
    r"/dev/(?!.*\.\.)[A-Za-z0-9/_.:+-]{2,100}|/var/lib/ceph/osd-files/[a-z0-9-]{1,40}\.img"
)
_OVER = ("gone",)


class StorageThere(Conflict):
    """The replicated storage is set up already."""

    code = "storage.already_set_up"
    text = Text("复制存储已经建立", "The replicated storage is set up already")
    hint = Text("请用 hbox storage disk add 添加磁盘。", "Add disks with `hbox storage disk add`.")


class StorageNotThere(Conflict):
    """There is no replicated storage yet."""

    code = "storage.not_set_up"
    text = Text("复制存储尚未建立", "The replicated storage is not set up")
    hint = Text("请先运行 hbox storage setup。", "Run `hbox storage setup` first.")


class TooFewNodes(Conflict):
    """Three copies need three nodes with a disk each."""

    code = "storage.too_few_nodes"
    text = Text(
        "三副本至少需要三个各有磁盘的节点：{why}",
        "Three copies need at least three nodes with a disk each: {why}",
    )
    hint = Text("请先加入节点，或为每个节点指定磁盘。", "Let nodes join, or name a disk on each.")


class NodesLeftOut(Conflict):
    """Every node of the box must reach the storage, also one that has no disk for it."""

    code = "storage.nodes_left_out"
    text = Text("未列出节点 {nodes}", "The nodes {nodes} are not named")
    hint = Text(
        "请用 --node 列出医盒的全部节点；没有磁盘的节点也要列出。",
        "Name all nodes of the box with --node, also those without a disk.",
    )


class DiskTaken(Conflict):
    """The disk belongs to the storage already."""

    code = "storage.disk_taken"
    text = Text("磁盘 {disk} 已属于存储", "The disk {disk} belongs to the storage already")


class NodeNotReady(Conflict):
    """The node cannot bear storage in its present state."""

    code = "storage.node_not_ready"
    text = Text("节点 {node} 的状态为 {state}", "The node {node} is {state}")
    hint = Text("请等待节点变为 active。", "Wait until the node is active.")


@dataclass(frozen=True)
class SetUpStorage(Action):
    """Make the replicated storage on three or more nodes; `nodes` and `disks` (node:path) by commas."""

    nodes: str
    disks: str

    kind: ClassVar[str] = "storage.setup"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "在节点 {nodes} 上建立三副本存储", "Set up replicated storage on the nodes {nodes}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return LOCK

    def locks(self) -> tuple[str, ...]:
        """See `Action.locks`."""
        return (LOCK, "nodes", *(f"node/{name}" for name in sorted(self.names())))

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"disks": self.disks}

    def names(self) -> tuple[str, ...]:
        """Return the nodes, in the order given."""
        return tuple(self.nodes.split(","))

    def paths(self) -> tuple[tuple[str, str], ...]:
        """Return (node, path) of each disk, in the order given."""
        return tuple(split(one) for one in self.disks.split(","))

    def sound(self) -> None:
        """See `Action.sound`."""
        names, paths = self.names(), self.paths()
        for name in names:
            fields.matches("nodes", name, fields.HOST)
        if len(set(names)) != len(names) or len(set(paths)) != len(paths):
            raise BadInput(what="nodes, disks", why="重复 named twice")
        if strangers := {node for node, _ in paths} - set(names):
            raise BadInput(what="disks", why=f"不在节点之列 not among the nodes: {strangers}")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.get(Storage, NAME) is not None:
            raise StorageThere
        self._fit(session)

    def _fit(self, session: Session) -> None:
        bearing = {node for node, _ in self.paths()}
        if len(bearing) < LEAST:
            raise TooFewNodes(why=", ".join(sorted(bearing)))
        for name in self.names():
            active(session, name)
        if left := set(session.scalars(select(Node.name))) - set(self.names()):
            raise NodesLeftOut(nodes=", ".join(sorted(left)))

    def wish(self, session: Session, job_id: str) -> None:
        """Record the storage as being made, and its disks as wished."""
        now = clock.iso()
        session.add(Storage(name=NAME, kind="rbd", state="making", since=now, job_id=job_id))
        for node, path in self.paths():
            _wish_disk(session, node, path, job_id)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = session.get(Storage, NAME)
        if row is None or row.job_id != job_id:
            raise Conflict(why="the record of the storage is not what this job wished")
        self._fit(session)

    def forget(self, session: Session, job_id: str) -> None:
        """Forget the storage that was not made."""
        row = session.get(Storage, NAME)
        if row is not None and row.job_id == job_id and row.state == "making":
            session.delete(row)
            for disk in session.scalars(select(OsdDisk).where(OsdDisk.job_id == job_id)):
                session.delete(disk)


@dataclass(frozen=True)
class _OfStorage(Action):
    """Base of what is asked of a storage that is there; one such job at a time."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return LOCK

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = session.get(Storage, NAME)
        if row is None or row.state == "making":
            raise StorageNotThere


@dataclass(frozen=True)
class AddDisk(_OfStorage):
    """Give the storage another disk of a node."""

    node: str
    path: str

    kind: ClassVar[str] = "storage.disk.add"
    sentence: ClassVar[Text] = Text(
        "把节点 {node} 的磁盘 {path} 加入存储", "Add the disk {path} of node {node} to the storage"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("node", self.node, fields.HOST)
        fields.matches("path", self.path, PATH)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        active(session, self.node)
        row = session.get(OsdDisk, name(self.node, self.path))
        if row is not None and row.state not in _OVER:
            raise DiskTaken(disk=row.id)

    def wish(self, session: Session, job_id: str) -> None:
        """Record the disk as wished."""
        _wish_disk(session, self.node, self.path, job_id)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = find(session, name(self.node, self.path))
        if row.job_id != job_id:
            raise Conflict(why=f"the record of {row.id} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """Forget the disk that was not added."""
        row = session.get(OsdDisk, name(self.node, self.path))
        if row is not None and row.job_id == job_id and row.state == "wished":
            session.delete(row)


@dataclass(frozen=True)
class _OneDisk(_OfStorage):
    """Base of what is asked about a disk of the storage; `disk` is its id, node:path."""

    disk: str

    def sound(self) -> None:
        """See `Action.sound`."""
        split(self.disk)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        row = find(session, self.disk)
        if row.osd is None or row.state in ("wished", "gone"):
            raise Conflict(why=f"{row.id}: {row.state}")


@dataclass(frozen=True)
class RemoveDisk(_OneDisk):
    """Take a disk out of the storage, once everything on it lies elsewhere as well."""

    kind: ClassVar[str] = "storage.disk.remove"
    sentence: ClassVar[Text] = Text(
        "从存储中移除磁盘 {disk}", "Remove the disk {disk} from the storage"
    )


@dataclass(frozen=True)
class ReplaceDisk(_OneDisk):
    """Put the disk `path` of the same node in the place of one that failed."""

    path: str

    kind: ClassVar[str] = "storage.disk.replace"
    sentence: ClassVar[Text] = Text(
        "用磁盘 {path} 更换磁盘 {disk}", "Replace the disk {disk} by {path}"
    )

    @property
    def node(self) -> str:
        """The node that both disks are in."""
        return split(self.disk)[0]

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("path", self.path, PATH)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        wanted = name(self.node, self.path)
        row = session.get(OsdDisk, wanted)
        if wanted != self.disk and row is not None and row.state not in _OVER:
            raise DiskTaken(disk=wanted)

    def wish(self, session: Session, job_id: str) -> None:
        """Record the new disk as wished; the old one stays what it is until the new one serves."""
        if name(self.node, self.path) != self.disk:
            _wish_disk(session, self.node, self.path, job_id)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        super().check(session)
        wanted = name(self.node, self.path)
        if wanted != self.disk and find(session, wanted).job_id != job_id:
            raise Conflict(why=f"the record of {wanted} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """Forget the disk that did not come."""
        row = session.get(OsdDisk, name(self.node, self.path))
        if row is not None and row.job_id == job_id and row.state == "wished":
            session.delete(row)


def split(disk: str) -> tuple[str, str]:
    """Return (node, path) of `node:path`; raises `BadInput`."""
    node, _, path = disk.partition(":")
    fields.matches("disk", node, fields.HOST)
    fields.matches("disk", path, PATH)
    return node, path


def name(node: str, path: str) -> str:
    """Return the id of a disk."""
    return f"{node}:{path}"


def active(session: Session, node: str) -> None:
    """Raise unless the node is a working member of the box."""
    row = session.get(Node, node)
    if row is None:
        raise NotFound(what="节点 node", name=node)
    if row.state not in ("active", "maintenance"):
        raise NodeNotReady(node=node, state=row.state)


def find(session: Session, disk: str) -> OsdDisk:
    """Return a disk's row, by its id or its number in Ceph (`3`, `osd.3`); raise `NotFound`."""
    row = session.get(OsdDisk, disk)
    number = disk.removeprefix("osd.")
    if row is None and number.isdecimal() and len(number) < 10:
        query = select(OsdDisk).where(OsdDisk.osd == int(number), OsdDisk.state != "gone")
        row = session.scalar(query)
    if row is None:
        raise NotFound(what="磁盘 disk", name=disk)
    return row


def _wish_disk(session: Session, node: str, path: str, job_id: str) -> None:
    old = session.get(OsdDisk, name(node, path))
    if old is not None:
        session.delete(old)
        session.flush()
    row = OsdDisk(
        id=name(node, path),
        node=node,
        path=path,
        state="wished",
        job_id=job_id,
        since=clock.iso(),
    )
    session.add(row)
