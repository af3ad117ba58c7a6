"""How virtual machines are created, started, stopped and deleted, step by step."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from appliance import clock
from appliance.errors import NotFound, Text
from controller.actions.addresses import of_machines
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.drivers.base import Ability, AgentSilent, Power
from controller.jobs.steps import Say, Step, nothing
from controller.jobs.trust import NotTrusted
from controller.workers.machine import Machine
from controller.workers.site import Site

AGENT_LIMIT = 420.0  # seconds; a translated (TCG) guest on a busy node takes minutes


def create(action: CreateVm, site: Site) -> Sequence[Step]:
    """Make disks, define, and (if wished) start and wait until the guest itself answers."""
    vm = _as_asked(action, site)
    steps = [
        Step(
            "disk",
            Text("建立系统盘", "Make the system disk"),
            _quiet(vm.make_system),
            _quiet(vm.erase),
        ),
        Step(
            "seed",
            Text("写入首启配置", "Write the first-boot data"),
            _quiet(vm.make_seed),
            _quiet(vm.erase),
        ),
        Step("define", Text("登记虚拟机", "Define the machine"), _quiet(vm.define), _undefine(vm)),
    ]
    return [*steps, *(_going(vm) if action.start else ()), _record(vm)]


def start(action: StartVm, site: Site) -> Sequence[Step]:
    """Power on and wait until the guest answers."""
    vm = Machine.of(site, action.vm_id)
    return [*_going(vm), _record(vm)]


def stop(action: StopVm, site: Site) -> Sequence[Step]:
    """Shut down, or cut the power."""
    vm = Machine.of(site, action.vm_id)

    def halt(say: Say) -> None:
        say("切断电源 power off" if action.force else "请求关机 asking the guest to shut down")
        vm.drivers.hypervisor.stop(vm.id, force=action.force)

    title = Text("停止虚拟机", "Stop the machine")
    return [Step("stop", title, halt, _observe(vm)), _record(vm)]


def delete(action: DeleteVm, site: Site) -> Sequence[Step]:
    """Power off, forget the definition, erase the disks, free name and address."""
    try:
        vm = Machine.of(site, action.vm_id)
    except NotFound:
        # Cut off behind the last step: its record goes last, so nothing else is left either.
        return [Step(key, title, nothing) for key, title in _DELETING.items()]

    def halt(_say: Say) -> None:
        vm.drivers.hypervisor.stop(vm.id, force=True)

    def erase(_say: Say) -> None:
        vm.erase()
        vm.forget()

    return [
        Step("stop", _DELETING["stop"], halt, _observe(vm)),
        Step("undefine", _DELETING["undefine"], _undefine(vm), _quiet(vm.define)),
        Step("erase", _DELETING["erase"], erase),
    ]


def _as_asked(action: CreateVm, site: Site) -> Machine:
    """Return the machine as the accepted action asks for it: its row may have been altered since.

    Address and MAC stand in the row alone; an address that no machine may have (the gateway's own,
    the hospital's) raises `NotTrusted`.
    """
    vm = Machine.of(site, action.vm_id)
    asked = asdict(action)
    for name in ("name", "zone", "node", "vcpus", "memory_mib", "disk_gib"):
        setattr(vm.row, name, asked[name])
    box = site.settings
    subnet = box.intranet_subnet if action.zone == "intranet" else box.extranet_subnet
    if vm.row.address not in of_machines(subnet):
        raise NotTrusted(why=f"no machine of the {action.zone} has this address")
    return Machine(site, vm.row, site.node(action.node))


def _going(vm: Machine) -> list[Step]:
    """Power on and wait for the guest itself, where the engine can ask it."""
    can_ask = Ability.AGENT in vm.drivers.hypervisor.abilities
    return [_start(vm), *([_wait(vm)] if can_ask else [])]


def _start(vm: Machine) -> Step:
    def power_on(say: Say) -> None:
        say(f"加速方式 accelerator: {vm.accelerator().value}")
        vm.drivers.hypervisor.start(vm.id)

    def power_off(_say: Say) -> None:
        vm.drivers.hypervisor.stop(vm.id, force=True)
        vm.observe()

    return Step("start", Text("启动虚拟机", "Start the machine"), power_on, power_off)


def _wait(vm: Machine) -> Step:
    def wait(say: Say) -> None:
        began = clock.monotonic()
        while not vm.drivers.hypervisor.ping(vm.id):
            if vm.drivers.hypervisor.state(vm.id) is not Power.RUNNING:
                raise AgentSilent(name=vm.row.name, why="the machine went off")
            if clock.monotonic() - began > AGENT_LIMIT:
                raise AgentSilent(name=vm.row.name, why=f"nothing for {AGENT_LIMIT:.0f} s")
            clock.pause(1)
        say(f"来宾代理已应答 the guest agent answers: {clock.monotonic() - began:.1f} s")

    return Step("agent", Text("等待来宾系统", "Wait for the guest"), wait)


def _record(vm: Machine) -> Step:
    def observe(say: Say) -> None:
        say(f"实际状态 actual state: {vm.observe().value}")
        vm.site.report(vm=vm.id, address=vm.row.address)

    return Step("record", Text("记录实际状态", "Record the actual state"), observe)


def _undefine(vm: Machine) -> Callable[[Say], None]:
    def undefine(_say: Say) -> None:
        vm.drivers.hypervisor.undefine(vm.id)
        vm.observe()

    return undefine


def _observe(vm: Machine) -> Callable[[Say], None]:
    def observe(_say: Say) -> None:
        vm.observe()

    return observe


def _quiet(deed: Callable[[], None]) -> Callable[[Say], None]:
    return lambda _say: deed()


_DELETING = {
    "stop": Text("切断电源", "Power off"),
    "undefine": Text("注销虚拟机", "Undefine the machine"),
    "erase": Text("清除磁盘", "Erase the disks"),
}
