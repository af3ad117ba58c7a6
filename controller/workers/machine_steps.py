"""Steps that many jobs on a machine share: make the definition, power on, wait for the guest, record."""

from collections.abc import Callable

from appliance import clock
from appliance.errors import Text
from controller.drivers.base import Ability, AgentSilent, Power
from controller.jobs.steps import Say, Step
from controller.workers.machine import Machine

AGENT_LIMIT = 420.0  # seconds; a translated (TCG) guest on a busy node takes minutes


def quiet(deed: Callable[[], object]) -> Callable[[Say], None]:
    """Return `deed` as a step's work that has nothing to say."""

    def work(_say: Say) -> None:
        deed()

    return work


def going(vm: Machine) -> list[Step]:
    """Power on, and wait for the guest itself where it is known to carry an agent: the box's own base."""
    can_ask = Ability.AGENT in vm.drivers.hypervisor.abilities and not vm.row.template_id
    return [power_on(vm), *([wait(vm)] if can_ask else [])]


def power_on(vm: Machine) -> Step:
    """Start the machine; one that is paused goes on."""
    engine = vm.drivers.hypervisor

    def do(say: Say) -> None:
        if engine.state(vm.id) is Power.PAUSED:
            engine.resume(vm.id)
        say(f"加速方式 accelerator: {vm.accelerator().value}")
        engine.start(vm.id)

    def undo(_say: Say) -> None:
        engine.stop(vm.id, force=True)
        vm.observe()

    return Step("start", Text("启动虚拟机", "Start the machine"), do, undo)


def wait(vm: Machine) -> Step:
    """Wait until the guest agent answers."""
    engine = vm.drivers.hypervisor

    def do(say: Say) -> None:
        began = clock.monotonic()
        while not engine.ping(vm.id):
            if engine.state(vm.id) is not Power.RUNNING:
                raise AgentSilent(name=vm.row.name, why="the machine went off")
            if clock.monotonic() - began > AGENT_LIMIT:
                raise AgentSilent(name=vm.row.name, why=f"nothing for {AGENT_LIMIT:.0f} s")
            clock.pause(1)
        say(f"来宾代理已应答 the guest agent answers: {clock.monotonic() - began:.1f} s")

    return Step("agent", Text("等待来宾系统", "Wait for the guest"), do)


def recording(vm: Machine) -> Step:
    """Record what is really there, and say it in the job's result."""

    def do(say: Say) -> None:
        say(f"实际状态 actual state: {vm.observe().value}")
        vm.site.report(vm=vm.id, address=vm.row.address)

    return Step("record", Text("记录实际状态", "Record the actual state"), do)


def defining(vm: Machine) -> Step:
    """Make the machine known to its engine."""

    def undo(_say: Say) -> None:
        vm.drivers.hypervisor.undefine(vm.id)
        vm.observe()

    return Step("define", Text("登记虚拟机", "Define the machine"), quiet(vm.define), undo)
