"""How a machine that somebody changed behind our back is brought back to the wish, or taken as it is."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from appliance.errors import Conflict, Text
from controller.actions import quotas
from controller.actions.vms_drift import AcceptVm, MendVm, lawful
from controller.actions.vms_moving import movable
from controller.actions.vms_one import find
from controller.drivers.base import Disk, Link, Power, Seen
from controller.jobs.steps import Say, Step
from controller.workers import inspection
from controller.workers.drift import active, seat
from controller.workers.machine import Machine
from controller.workers.machine_steps import recording
from controller.workers.site import Site
from controller.workers.vms_moving import carry, strays
from controller.workers.watch import where


class DriftMoved(Conflict):
    """Between looking and accepting, somebody changed it again."""

    code = "vm.drift_moved"
    text = Text("虚拟机 {name} 又有变化，请重新查看", "The machine {name} has changed again")
    hint = Text("请查看当前差异后再决定。", "Look at the present differences, then decide.")


class VmTwice(Conflict):
    """The machine runs on two nodes at the same time."""

    code = "vm.twice"
    text = Text(
        "虚拟机 {name} 同时在多个节点运行：{nodes}",
        "The machine {name} runs on several nodes: {nodes}",
    )
    hint = Text(
        "请先确认哪一份数据有效，再在另一节点上强制关机。",
        "Find out which one's data counts, then power the other one off on its node.",
    )


def mend(action: MendVm, site: Site) -> Sequence[Step]:
    """Bring it back: its place, its definition, what runs of it, its power."""
    vm = Machine.of(site, action.vm_id)

    def place(say: Say) -> None:
        _back_home(vm, say)

    def shape(say: Say) -> None:
        seen = vm.drivers.hypervisor.seen(vm.id)
        if seen is not None and seen.live is not None:
            _reshape(vm, seen.live, say)
        vm.define()
        say("定义已恢复 the definition is as wished")

    def power(say: Say) -> None:
        _power(vm, say)

    def look(say: Say) -> None:
        found = inspection.look(Machine.of(site, vm.id))
        left = {**found.drift, **found.pending}
        say(f"仍有差异 still different: {left}" if left else "与期望一致 all is as wished")
        site.report(vm=vm.id, left=sorted(found.drift), pending=sorted(found.pending))

    return [
        Step("place", Text("核对所在节点", "See where it is"), place),
        Step("shape", Text("恢复定义", "Bring its definition back"), shape),
        Step("power", Text("恢复电源状态", "Bring its power back"), power),
        Step("look", Text("再次核对", "Look again"), look),
        recording(vm),
    ]


def accept(action: AcceptVm, site: Site) -> Sequence[Step]:
    """Take processors, memory, power and node as they are; whatever else differs is refused."""
    vm = Machine.of(site, action.vm_id)

    def take(say: Say) -> None:
        powers = where(site, vm.id)
        place = seat(vm.row.node, powers)
        found = inspection.examine(vm if place == vm.row.node else vm.on(place), powers)
        lawful(vm.row.name, found.drift)
        site.change(lambda session: _take(session, vm, found.drift))
        say(f"已接受 accepted: {', '.join(sorted(found.drift))}")

    def keep(_say: Say) -> None:
        now = Machine.of(site, vm.id)
        engine = now.drivers.hypervisor
        state = engine.state(vm.id)
        # Said again, so that the node brings it up, or leaves it off, when it comes up itself.
        if state is Power.RUNNING:
            engine.start(vm.id)
        elif state is Power.STOPPED:
            engine.stop(vm.id, force=True)
        now.define()
        inspection.look(now)

    return [
        Step("take", Text("以实际为准", "Take it as it is"), take),
        Step("keep", Text("核对", "Look again"), keep),
        recording(vm),
    ]


def _back_home(vm: Machine, say: Say) -> None:
    powers = where(vm.site, vm.id)
    if len(active(powers)) > 1:
        raise VmTwice(why="", name=vm.row.name, nodes=", ".join(active(powers)))
    place = seat(vm.row.node, powers)
    if place != vm.row.node:
        carry(vm.on(place), vm.row.node, say)
    strays(vm.site, vm.id, say)


def _reshape(vm: Machine, live: Seen, say: Say) -> None:
    """Change what runs: sizes, disks and interfaces, as far as the guest goes along."""
    engine, spec = vm.drivers.hypervisor, vm.spec()
    if (live.vcpus, live.memory_mib) != (spec.vcpus, spec.memory_mib):
        hot = engine.resize(vm.id, spec.vcpus, spec.memory_mib)
        say(
            "规格已恢复 its size is back"
            if hot
            else "规格下次启动恢复 its size is back at its next start"
        )
    ours = {disk.serial: disk for disk in spec.disks}
    for serial in _foreign(live.disks, {*ours, *inspection.PASSING}):
        engine.detach(vm.id, serial)
        say(f"已移除外来磁盘 a foreign disk is out: {serial}")
    for disk in _missing(ours, live.disks):
        engine.attach(vm.id, disk, keep=True)
        say(f"已接回磁盘 a disk is back: {disk.serial}")
    links = {link.mac: link for link in spec.links}
    for mac in _foreign(live.links, links):
        engine.unplug(vm.id, mac)
        say(f"已移除外来网卡 a foreign interface is out: {mac}")
    for link in _missing_links(links, live.links):
        engine.plug(vm.id, link)
        say(f"已接回网卡 an interface is back: {link.mac}")


def _foreign(there: Iterable[str], ours: Iterable[str]) -> list[str]:
    known = set(ours)
    # A disk without a serial cannot be named: the definition drops it, at the next start.
    return [one for one in there if one and one not in known]


def _missing(ours: dict[str, Disk], there: Sequence[str]) -> list[Disk]:
    return [disk for serial, disk in ours.items() if serial not in there]


def _missing_links(ours: dict[str, Link], there: Sequence[str]) -> list[Link]:
    return [link for mac, link in ours.items() if mac not in there]


def _power(vm: Machine, say: Say) -> None:
    engine = vm.drivers.hypervisor
    now, wished = engine.state(vm.id).value, vm.row.wished
    if now == wished:
        return
    say(f"电源 power: {now} → {wished}")
    if wished == "stopped":
        engine.stop(vm.id)
        return
    if now == "stopped":
        engine.start(vm.id)
    elif wished == "running":
        engine.resume(vm.id)
    if wished == "paused":
        engine.pause(vm.id)


def _take(session: Session, vm: Machine, found: dict[str, list[object]]) -> None:
    row = find(session, vm.id)
    if not found:
        return  # cut off behind this step: it was taken already
    if row.drift is not None and row.drift != found:
        raise DriftMoved(why="", name=row.name)
    if "node" in found:
        movable(session, row, str(found["node"][1]))
        row.node = str(found["node"][1])
    sizes = {what: int(str(found[what][1])) for what in ("vcpus", "memory_mib") if what in found}
    more = {what: max(0, size - getattr(row, what)) for what, size in sizes.items()}
    quotas.check(session, row.tenant, quotas.Usage(**more))
    for what, size in sizes.items():
        setattr(row, what, size)
    if "power" in found:
        row.wished = str(found["power"][1])
    row.version += 1
