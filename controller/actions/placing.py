"""Placement on the records: the nodes as they are now, the choice made, the reasons kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from controller.placement import Choice, Leaver, Move, Room, Verdict, choose, judge, spread
from controller.placement import Wanted as Wanted  # noqa: PLC0414 - callers know it from here
from controller.records.cluster import Storage
from controller.records.tables import Node, Vm, Volume

OWN = "dir"  # every node's own storage
SHARED = "rbd"
_UNUSABLE = ("making", "error")


class NoPlace(Conflict):
    """No node, or not the one that was asked for, can take the machine."""

    code = "vm.no_place"
    text = Text("没有可放置的节点：{zh}", "No node can take the machine: {en}")
    hint = Text(
        "请用 hbox vm place 查看各节点的原因。", "See hbox vm place for the reasons of each node."
    )


def rooms(session: Session, *, without: str = "") -> list[Room]:
    """Return every node as placement sees it; the machine `without` is left out of the count."""
    vms = [vm for vm in session.scalars(select(Vm)) if vm.id != without]
    shared = frozenset(shared_storages(session))
    return [
        _room(node, [vm for vm in vms if vm.node == node.name], shared)
        for node in session.scalars(select(Node).order_by(Node.name))
    ]


def shared_storages(session: Session) -> list[str]:
    """Return the names of the storages that every node reaches and that can be used now."""
    ready = select(Storage.name).where(Storage.kind == "rbd", Storage.state.not_in(_UNUSABLE))
    return list(session.scalars(ready.order_by(Storage.name)))


def storage(session: Session, asked: str = "") -> str:
    """Return the storage asked for, or where there is replicated storage that, else the node's own."""
    return asked or (SHARED if SHARED in shared_storages(session) else OWN)


def choice(session: Session, wanted: Wanted) -> Choice:
    """Return where such a machine would go now."""
    return choose(rooms(session), wanted)


def place(session: Session, wanted: Wanted) -> str:
    """Return the node for the machine; raise `NoPlace` with the reasons of each."""
    return among(rooms(session), wanted)


def among(choices: Sequence[Room], wanted: Wanted) -> str:
    """Return the best of these nodes; raise `NoPlace` with the reasons of each."""
    made = choose(choices, wanted)
    if not made.node:
        raise _no_place(made.verdicts)
    return made.node


def fits(session: Session, node: str, wanted: Wanted, *, without: str = "") -> None:
    """Raise `NotFound` or `NoPlace` unless this node can take the machine."""
    found = {room.name: room for room in rooms(session, without=without)}
    if node not in found:
        raise NotFound(what="节点 node", name=node)
    verdict = judge(found[node], wanted)
    if not verdict.fits:
        raise _no_place((verdict,))


def roomy(session: Session, node: str, wanted: Wanted, *, without: str) -> None:
    """Raise `NoPlace` when the node, which has the machine already, has not the memory it asks for."""
    found = next((room for room in rooms(session, without=without) if room.name == node), None)
    if (
        found is not None
        and found.memory_mib
        and found.usable_mib - found.used_mib < wanted.memory_mib
    ):
        left = max(0, found.usable_mib - found.used_mib)
        text = Text(f"剩余内存 {left} MiB", f"{left} MiB of memory left")
        raise _no_place((Verdict(node, fits=False, why=(text,)),))


def explained(session: Session, node: str, wanted: Wanted) -> dict[str, Any]:
    """Return why the machine goes to `node`, for its record; `by` says who chose."""
    made = choice(session, wanted)
    said = made.as_dict()
    return {**said, "node": node, "by": "box" if made.node == node else "person"}


def moves(session: Session, node: str) -> tuple[Move, ...]:
    """Return where each machine of `node` goes when the node is emptied, or why it cannot."""
    leavers = [
        Leaver(vm.id, vm.name, wanted_of(vm), _held_back(session, vm))
        for vm in session.scalars(select(Vm).where(Vm.node == node).order_by(Vm.name))
    ]
    return spread([room for room in rooms(session) if room.name != node], leavers)


def as_mapping(planned: Iterable[Move]) -> Mapping[str, str]:
    """Return machine id to target of those that can move."""
    return {move.vm_id: move.node for move in planned if move.node}


def wanted_of(vm: Vm) -> Wanted:
    """Return what a machine that is there asks of a node."""
    return Wanted(vm.vcpus, vm.memory_mib, vm.storage, vm.apart)


def own_volumes(session: Session, vm: Vm) -> list[str]:
    """Return the volumes of the machine that only its own node reaches."""
    mine = session.scalars(select(Volume).where(Volume.vm_id == vm.id).order_by(Volume.id))
    return [volume.id for volume in mine if volume.storage == OWN]


def _held_back(session: Session, vm: Vm) -> Text | None:
    own = own_volumes(session, vm)
    if vm.storage != OWN and not own:
        return None
    return Text(
        f"磁盘在节点本地存储上：{', '.join(own) or vm.storage}",
        f"its disks lie in the node's own storage: {', '.join(own) or vm.storage}",
    )


def _room(node: Node, vms: list[Vm], shared: frozenset[str]) -> Room:
    facts = node.facts or {}
    return Room(
        name=node.name,
        state=node.state,
        away=node.why or "",
        accelerator=node.accelerator or "",
        cpus=_whole(facts, "cpu", "cores"),
        memory_mib=_whole(facts, "memory", "total_mib"),
        used_vcpus=sum(vm.vcpus for vm in vms),
        used_mib=sum(vm.memory_mib for vm in vms),
        storages=shared | {OWN},
        apart=frozenset(vm.apart for vm in vms if vm.apart),
    )


def _whole(facts: dict[str, Any], part: str, name: str) -> int:
    held = facts.get(part)
    value = held.get(name) if isinstance(held, dict) else None
    return value if isinstance(value, int) else 0


def _no_place(verdicts: Iterable[Verdict]) -> NoPlace:
    parts = [(verdict.node, verdict.why[0]) for verdict in verdicts]
    return NoPlace(
        why="",
        zh="；".join(f"{node}：{text.zh}" for node, text in parts) or "没有节点",
        en="; ".join(f"{node}: {text.en}" for node, text in parts) or "there is no node",
    )
