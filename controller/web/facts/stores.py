"""What the storage page shows: each place for volumes with its lamp, how full it is, and what it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.records.cluster import OsdDisk, Storage
from controller.records.tables import Node, Volume

_TONES = {"ok": "ok", "degraded": "warn", "making": "warn"}
_SAID = {
    "ok": Text("每份数据都有足够的副本", "Every piece of data has all its copies"),
    "degraded": Text("缺少副本，正在自动补齐", "A copy is missing and is being made"),
    "no_spare": Text(
        "缺少副本，且没有节点可补：再坏一处就可能停止服务",
        "A copy is missing and no node is left to make it on: one more failure may stop service",
    ),
    "full": Text(
        "超过上限：再坏一个节点就放不下全部副本",
        "Over the ceiling: the loss of one node could not be survived",
    ),
    "error": Text("存储故障或无应答", "The storage is broken or silent"),
    "making": Text("正在建立", "It is being set up"),
}


_SINGLE = Text(
    "每份数据只有一份，在各自节点上：节点坏了就没有了",
    "One copy of everything, on its own node: it is lost with the node",
)


@dataclass(frozen=True)
class StoreView:
    """One storage. Sizes in MiB; `total` 0: never measured. `needs` and `checks` are sentences."""

    row: Storage
    total: int
    used: int
    promised: int
    ceiling: int
    repair_seconds: float | None
    needs: tuple[Text, ...]
    checks: tuple[str, ...]

    @property
    def lamp(self) -> str:
        """Its tone: ok, warn or bad."""
        return _TONES.get(self.row.state, "bad")

    @property
    def chip(self) -> str:
        """The word of its state; a node's own storage has one copy of everything."""
        return "ok_single" if self.row.kind == "dir" and self.row.state == "ok" else self.row.state

    @property
    def said(self) -> Text:
        """What its state means, in a sentence."""
        if self.chip == "ok_single":
            return _SINGLE
        return _SAID.get(self.row.state, Text(self.row.state, self.row.state))

    @property
    def part(self) -> float:
        """How much of it is used, 0.0 to 1.0."""
        return self.used / self.total if self.total else 0.0

    @property
    def mark(self) -> float | None:
        """Where its ceiling lies, 0.0 to 1.0."""
        return self.ceiling / self.total if self.total and self.ceiling else None

    @property
    def tone(self) -> str:
        """How full it is: ok, warn (nine tenths of the ceiling) or bad (above it)."""
        limit = self.ceiling or self.total
        return "bad" if self.used > limit else "warn" if self.used > limit * 0.9 else "ok"


def stores(session: Session) -> list[StoreView]:
    """Return the storages by name."""
    asked = select(Volume.storage, func.sum(Volume.size_gib)).group_by(Volume.storage)
    promised = {row[0]: int(row[1] or 0) * 1024 for row in session.execute(asked)}
    rows = session.scalars(select(Storage).order_by(Storage.name))
    return [_view(row, promised.get(row.name, 0)) for row in rows]


def disks(session: Session) -> Sequence[OsdDisk]:
    """Return the disks of the replicated storage, by node and path, without those that are gone."""
    rows = select(OsdDisk).where(OsdDisk.state != "gone")
    return session.scalars(rows.order_by(OsdDisk.node, OsdDisk.path)).all()


def free_disks(session: Session) -> list[tuple[str, str]]:
    """Return (node, path) of disks that nobody uses, as the inventories saw them last."""
    taken = {(disk.node, disk.path) for disk in disks(session)}
    found = []
    for node in session.scalars(select(Node).order_by(Node.name)):
        for disk in _list(node.facts or {}, "disks"):
            path = f"/dev/{disk.get('name', '')}"
            own = not disk.get("foreign") and not disk.get("mountpoints")
            if own and (node.name, path) not in taken:
                found.append((node.name, path))
    return found


def _view(row: Storage, promised: int) -> StoreView:
    facts = row.facts or {}
    needs = tuple(
        Text(str(one.get("zh", "")), str(one.get("en", ""))) for one in _list(facts, "needs")
    )
    checks = tuple(str(one.get("summary", one.get("code", ""))) for one in _list(facts, "checks"))
    seconds = facts.get("repair_seconds")
    return StoreView(
        row=row,
        total=_whole(facts, "capacity"),
        used=_whole(facts, "used"),
        promised=promised,
        ceiling=_whole(facts, "ceiling"),
        repair_seconds=float(seconds) if isinstance(seconds, int | float) else None,
        needs=needs,
        checks=checks,
    )


def _list(facts: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    held = facts.get(name)
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def _whole(facts: Mapping[str, Any], name: str) -> int:
    value = facts.get(name)
    return int(value) if isinstance(value, int | float) else 0
