"""What needs a person on a box of several nodes: nodes that are silent, data at risk, machines that were changed."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.actions.base import Role
from controller.records.cluster import OsdDisk, Storage
from controller.records.tables import Node, Vm
from controller.web.facts.need import Need
from controller.web.facts.stores import stores

_SYSTEM = frozenset({Role.SYSTEM})
_WHOLE = ("ok", "making")


def nodes(session: Session) -> Iterator[Need]:
    """Nodes that do not answer, and those left in maintenance."""
    for node in session.scalars(select(Node).order_by(Node.name)):
        href = f"/nodes/{node.name}"
        if node.why:
            yield Need(
                "bad",
                Text(f"节点 {node.name} 无应答", f"The node {node.name} does not answer"),
                Text(
                    f"{node.why}。其上的虚拟机状态未知；若已损坏，可用同名新机更换。",
                    f"{node.why}. Its machines cannot be seen; if it is dead, replace it under its name.",
                ),
                href,
                Text("查看并处理", "See and mend"),
            )
        elif node.state == "maintenance":
            yield Need(
                "warn",
                Text(f"节点 {node.name} 在维护中", f"The node {node.name} is in maintenance"),
                Text(
                    "维护期间不放置虚拟机，其余节点少一份余量。",
                    "No machine is placed there, and the others have that much less to spare.",
                ),
                href,
                Text("结束维护", "End it"),
                _SYSTEM,
            )


def storage(session: Session) -> Iterator[Need]:
    """Data with too few copies, storage over its ceiling, disks that failed."""
    for store in stores(session):
        if store.row.state in _WHOLE:
            continue
        yield Need(
            store.lamp,
            Text(f"存储 {store.row.name}：{store.said.zh}", f"{store.row.name}: {store.said.en}"),
            _why(store.row, store.repair_seconds),
            "/storage",
            Text("查看存储", "See the storage"),
        )
    for disk in session.scalars(select(OsdDisk).where(OsdDisk.state == "failed")):
        yield Need(
            "bad",
            Text(f"磁盘 {disk.id} 故障", f"The disk {disk.id} has failed"),
            Text(
                "其数据由其余副本补齐；请尽快换上新盘。",
                "Its data is made again from the other copies; put a new disk in soon.",
            ),
            f"/storage/disk?disk={disk.id}",
            Text("更换磁盘", "Replace it"),
            _SYSTEM,
        )


def drift(session: Session) -> Iterator[Need]:
    """Machines that somebody changed behind the box's back."""
    for vm in session.scalars(select(Vm).order_by(Vm.name)):
        if vm.drift:
            yield Need(
                "warn",
                Text(
                    f"虚拟机 {vm.name} 被绕过医盒改动",
                    f"{vm.name} was changed behind the box's back",
                ),
                Text(
                    "它的实际定义与登记不一致；可恢复为期望，或接受其中允许的部分。",
                    "Its definition is not the recorded one: bring it back, or accept what may be accepted.",
                ),
                f"/vms/{vm.id}",
                Text("查看并处理", "See and mend"),
            )


def _why(row: Storage, repair_seconds: float | None) -> Text:
    if row.state == "degraded" and repair_seconds is not None:
        minutes = max(1, round(repair_seconds / 60))
        return Text(f"预计 {minutes} 分钟修复。", f"To be repaired in about {minutes} min.")
    if row.state == "full":
        return Text(
            "请删除不用的卷，或添加磁盘或节点。", "Delete what is not used, or add disks or a node."
        )
    return Text("请检查节点与磁盘。", "Look at the nodes and the disks.")
