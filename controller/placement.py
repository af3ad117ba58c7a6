"""Where a machine goes: a pure function from nodes and a wish to a choice that explains itself.

Rules that exclude a node: it is not active, does not answer, does not reach the storage, has no memory
left, or runs a machine of the same group `apart`. Of the nodes that are left the one is taken that runs
guests with KVM, then the one that is least full in memory, then in processors, then the first by name: the
same question has the same answer. Memory is never promised twice; processors may be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from appliance.errors import Text

# What a node keeps for itself: system, controller, page cache, QEMU's own memory.
_OWN_LEAST_MIB = 1024
_OWN_PART = 10  # one tenth


@dataclass(frozen=True)
class Room:
    """A node as placement sees it; MiB. `memory_mib` and `cpus` 0: never measured. `apart`: groups there."""

    name: str
    state: str = "active"
    away: str = ""
    accelerator: str = ""
    cpus: int = 0
    memory_mib: int = 0
    used_vcpus: int = 0
    used_mib: int = 0
    storages: frozenset[str] = frozenset({"dir"})
    apart: frozenset[str] = frozenset()

    @property
    def usable_mib(self) -> int:
        """Memory that machines may have."""
        own = max(_OWN_LEAST_MIB, self.memory_mib // _OWN_PART)
        return max(0, self.memory_mib - own)

    def with_more(self, wanted: "Wanted") -> "Room":
        """Return the node as it is with that machine on it."""
        groups = self.apart | {wanted.apart} if wanted.apart else self.apart
        return replace(
            self,
            used_vcpus=self.used_vcpus + wanted.vcpus,
            used_mib=self.used_mib + wanted.memory_mib,
            apart=groups,
        )


@dataclass(frozen=True)
class Wanted:
    """What a machine asks of its node."""

    vcpus: int
    memory_mib: int
    storage: str = "dir"
    apart: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether one node can take the machine, and why, in both languages."""

    node: str
    fits: bool
    why: tuple[Text, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return its JSON form."""
        return {
            "node": self.node,
            "fits": self.fits,
            "why": [text.as_dict() for text in self.why],
        }


@dataclass(frozen=True)
class Choice:
    """The node taken ("": none can) with a verdict on each, and what a person should know."""

    node: str
    verdicts: tuple[Verdict, ...]
    warnings: tuple[Text, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return its JSON form."""
        return {
            "node": self.node,
            "verdicts": [verdict.as_dict() for verdict in self.verdicts],
            "warnings": [text.as_dict() for text in self.warnings],
        }

    def verdict(self, node: str) -> Verdict | None:
        """Return what was found about one node."""
        return next((verdict for verdict in self.verdicts if verdict.node == node), None)


@dataclass(frozen=True)
class Leaver:
    """A machine that has to leave its node; `why` says why it cannot ("": it can)."""

    vm_id: str
    name: str
    wanted: Wanted
    why: Text | None = None


@dataclass(frozen=True)
class Move:
    """Where a machine goes when its node is emptied; `node` "": nowhere, and `why` says why."""

    vm_id: str
    name: str
    node: str
    why: Text | None = None


def choose(rooms: Iterable[Room], wanted: Wanted) -> Choice:
    """Return the node that should take the machine, and a verdict on every node, by name."""
    ordered = sorted(rooms, key=lambda room: room.name)
    verdicts = tuple(judge(room, wanted) for room in ordered)
    fitting = [room for room, verdict in zip(ordered, verdicts, strict=True) if verdict.fits]
    if not fitting:
        return Choice("", verdicts)
    taken = min(fitting, key=lambda room: _rank(room, wanted))
    after = [room.with_more(wanted) if room is taken else room for room in ordered]
    return Choice(taken.name, verdicts, _warnings(after, taken))


def judge(room: Room, wanted: Wanted) -> Verdict:
    """Return whether this node can take the machine."""
    against = tuple(_against(room, wanted))
    return Verdict(room.name, not against, against or (_room_left(room, wanted),))


def spread(rooms: Sequence[Room], leavers: Sequence[Leaver]) -> tuple[Move, ...]:
    """Find places for machines that leave their node, the largest first; none is moved twice.

    `rooms` are the nodes that stay. A machine that nobody can take stands there with the reason.
    """
    now = {room.name: room for room in rooms}
    moves = []
    for leaver in sorted(leavers, key=lambda one: (-one.wanted.memory_mib, one.name)):
        if leaver.why is not None:
            moves.append(Move(leaver.vm_id, leaver.name, "", leaver.why))
            continue
        choice = choose(now.values(), leaver.wanted)
        if choice.node:
            now[choice.node] = now[choice.node].with_more(leaver.wanted)
            moves.append(Move(leaver.vm_id, leaver.name, choice.node))
        else:
            moves.append(Move(leaver.vm_id, leaver.name, "", _nobody(choice)))
    return tuple(moves)


def _against(room: Room, wanted: Wanted) -> Iterable[Text]:
    if room.state != "active":
        yield Text(f"节点状态为 {room.state}", f"the node is {room.state}, not active")
    if room.away:
        yield Text(f"节点无应答：{room.away}", f"the node does not answer: {room.away}")
    if wanted.storage not in room.storages:
        yield Text(f"节点无法访问存储 {wanted.storage}", f"it does not reach {wanted.storage}")
    if wanted.apart and wanted.apart in room.apart:
        yield Text(
            f"已有反亲和组 {wanted.apart} 的虚拟机",
            f"a machine of the group {wanted.apart} is there already",
        )
    left = room.usable_mib - room.used_mib
    if room.memory_mib and left < wanted.memory_mib:
        yield Text(
            f"内存不足：需要 {wanted.memory_mib} MiB，剩余 {max(0, left)} MiB",
            f"not enough memory: {wanted.memory_mib} MiB wanted, {max(0, left)} MiB left",
        )


def _room_left(room: Room, wanted: Wanted) -> Text:
    if not room.memory_mib:
        return Text("可用；容量尚未采集", "it can take it; its capacity was never measured")
    left = room.usable_mib - room.used_mib - wanted.memory_mib
    cpus = f"{room.used_vcpus + wanted.vcpus}/{room.cpus}"
    return Text(
        f"可用；{room.accelerator or '?'}，放置后剩余内存 {left} MiB，vCPU/核 {cpus}",
        f"it can take it; {room.accelerator or '?'}, {left} MiB left afterwards, vCPUs/cores {cpus}",
    )


def _rank(room: Room, wanted: Wanted) -> tuple[bool, bool, float, float, str]:
    after = room.with_more(wanted)
    return (
        room.accelerator != "kvm",
        not room.memory_mib,
        round(after.used_mib / max(1, room.usable_mib), 6),
        round(after.used_vcpus / max(1, room.cpus), 6),
        room.name,
    )


def _warnings(after: Sequence[Room], taken: Room) -> tuple[Text, ...]:
    """From three nodes on: whether the others could still carry all machines when one node is lost."""
    up = [room for room in after if room.state == "active" and not room.away and room.memory_mib]
    said = []
    if len(up) >= 3:
        largest = max(up, key=lambda room: (room.usable_mib, room.name))
        left = sum(room.usable_mib for room in up) - largest.usable_mib
        used = sum(room.used_mib for room in up)
        if used > left:
            said.append(
                Text(
                    f"余量不足：节点 {largest.name} 失效时，其余节点只能容纳 {left} MiB，共需 {used} MiB",
                    f"no headroom: without {largest.name} the others hold {left} MiB of {used} MiB",
                )
            )
    if taken.cpus and taken.used_vcpus >= 4 * taken.cpus:
        said.append(
            Text(
                f"节点 {taken.name} 的 vCPU 已超过核数的 4 倍",
                f"the node {taken.name} has over four vCPUs per core",
            )
        )
    return tuple(said)


def _nobody(choice: Choice) -> Text:
    parts = [(verdict.node, verdict.why[0]) for verdict in choice.verdicts]
    return Text(
        "没有节点可以接收：" + "；".join(f"{node}：{text.zh}" for node, text in parts),
        "no node can take it: " + "; ".join(f"{node}: {text.en}" for node, text in parts),
    )
