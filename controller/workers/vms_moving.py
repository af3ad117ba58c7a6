"""How a machine is moved to another node: found on the right side after any crash, never on both."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy.orm import Session

from appliance.errors import BoxError, Text
from controller.actions.vms_moving import MigrateVm
from controller.drivers.base import Ability, Moved, NoSuchVm, Power, need
from controller.jobs.steps import Say, Step
from controller.records.tables import Vm
from controller.workers.machine import Machine
from controller.workers.site import NodeDrivers, Site

_ON = (Power.RUNNING, Power.PAUSED)
_TOLD_EVERY = 0.1  # part of the way between two lines of progress


def migrate(action: MigrateVm, site: Site) -> Sequence[Step]:
    """Make sure that the target can take it, move it, take every trace away elsewhere."""

    def check(say: Say) -> None:
        ready(site, action.vm_id, action.node)
        say(f"目标节点可用 the target can take it: {action.node}")

    def do(say: Say) -> None:
        cost = move(site, action.vm_id, action.node, say)
        site.report(vm=action.vm_id, node=action.node, **(asdict(cost) if cost is not None else {}))

    def undo(say: Say) -> None:
        stay(site, action.vm_id, action.node, say)

    def sweep(say: Say) -> None:
        strays(site, action.vm_id, say)
        Machine.of(site, action.vm_id).observe()

    return [
        Step("check", Text("检查目标节点", "Look at the target node"), check),
        Step("move", Text("迁移虚拟机", "Move the machine"), do, undo),
        Step("sweep", Text("清理其他节点上的登记", "Clear what other nodes still know"), sweep),
    ]


def ready(site: Site, vm_id: str, node: str) -> None:
    """Raise unless the target's engine answers and both ends can do what is needed."""
    vm = Machine.of(site, vm_id)
    goal = vm.on(node)
    goal.drivers.hypervisor.state(vm_id)
    if vm.drivers.hypervisor.state(vm_id) in _ON:
        need(vm.drivers.hypervisor, Ability.MIGRATE)
        need(goal.drivers.hypervisor, Ability.MIGRATE)


def move(site: Site, vm_id: str, node: str, say: Say) -> Moved | None:
    """Bring the machine to `node`, or find it there; its record names the right node on any outcome.

    Returns what a live migration cost, None where none was needed. Raises what the engines raise; the
    machine is then where it was.
    """
    vm = Machine.of(site, vm_id)
    if vm.row.node == node:
        return None
    cost = carry(vm, node, say)
    settle(vm, node)
    return cost


def carry(vm: Machine, node: str, say: Say) -> Moved | None:
    """Bring the machine from where `vm` looks at it to `node`; its record is not touched."""
    goal = vm.on(node)
    here, there = vm.drivers.hypervisor, goal.drivers.hypervisor
    now, then = here.state(vm.id), there.state(vm.id)
    if then in _ON and now not in _ON:
        say("虚拟机已在目标节点运行 it runs on the target already")
        return None
    if now in _ON:
        return _live(vm, goal, say)
    if now is Power.ABSENT and then is Power.ABSENT:
        raise NoSuchVm(name=vm.row.name)
    if now is not Power.ABSENT:
        goal.define()
        here.undefine(vm.id)
        say("虚拟机已关机，登记已移到目标节点 it is off: its definition is on the target now")
    return None


def settle(vm: Machine, node: str) -> None:
    """Record that the machine is on `node`, and have it come up there again when that node does."""
    goal = vm.on(node).drivers.hypervisor
    if goal.state(vm.id) is Power.RUNNING:
        goal.start(vm.id)  # it runs: this only says that it shall, libvirt does not carry that over

    def work(session: Session) -> None:
        row = session.get(Vm, vm.id)
        if row is not None and row.node != node:
            row.node, row.version = node, row.version + 1

    vm.site.change(work)


def stay(site: Site, vm_id: str, node: str, say: Say) -> None:
    """The way back: end a move that runs; the machine stays where it is found, and is recorded there."""
    vm = Machine.of(site, vm_id)
    if vm.row.node == node:
        return
    there = vm.on(node).drivers.hypervisor
    vm.drivers.hypervisor.cancel_migration(vm_id)
    now, then = vm.drivers.hypervisor.state(vm_id), there.state(vm_id)
    if then in _ON and now not in _ON:
        say("迁移已完成，虚拟机留在目标节点 it had arrived: it stays on the target")
        settle(vm, node)
    elif then is Power.STOPPED and now is not Power.ABSENT:
        there.undefine(vm_id)
    elif then is Power.STOPPED:
        settle(vm, node)
    Machine.of(site, vm_id).observe()


def strays(site: Site, vm_id: str, say: Say) -> None:
    """Take away definitions of the machine on other nodes: one there could start it a second time.

    A node that does not answer is told about; what runs is never touched here.
    """
    vm = Machine.of(site, vm_id)
    for node in site.nodes:
        if node == vm.row.node:
            continue
        try:
            if _cleared(vm, site.node(node)):
                say(f"已清理 cleared on: {node}")
        except BoxError as error:
            say(f"节点未应答，稍后检查 not asked: {node}: {error}")


def _cleared(vm: Machine, there: NodeDrivers) -> bool:
    power = there.hypervisor.state(vm.id)
    if power is Power.STOPPED:
        there.hypervisor.undefine(vm.id)
    if power not in _ON and vm.row.storage != there.storage.name:
        there.storage.forget(vm.id)  # its console log; disks it has none there
    return power is Power.STOPPED


def _live(vm: Machine, goal: Machine, say: Say) -> Moved | None:
    """Move it while it runs. Cut off or refused at the very end, the target has the last word."""
    goal.drivers.storage.console(vm.id)  # the log's folder must be there before the machine is
    target = vm.site.target(goal.node)
    say(f"在线迁移 live: {vm.node} → {goal.node}")
    try:
        cost = vm.drivers.hypervisor.migrate(vm.id, target, _progress(say))
    except BoxError:
        if _arrived(vm, goal):
            return None
        raise
    say(
        f"用时 took {cost.total_ms} ms，停顿 downtime {cost.downtime_ms} ms，"
        f"传输 sent {cost.sent_mib} MiB，加密 encrypted: {'是 yes' if cost.encrypted else '否 no'}"
    )
    return cost


def _arrived(vm: Machine, goal: Machine) -> bool:
    return (
        goal.drivers.hypervisor.state(vm.id) in _ON
        and vm.drivers.hypervisor.state(vm.id) not in _ON
    )


def _progress(say: Say) -> Callable[[float], None]:
    told = [0.0]

    def tell(part: float) -> None:
        if part - told[0] >= _TOLD_EVERY:
            told[0] = part
            say(f"已传输 moved: {part:.0%}")

    return tell
