"""How a running machine is paused, let go on, reset."""

from collections.abc import Sequence

from appliance.errors import Text
from controller.actions.vms_power import PauseVm, ResetVm, ResumeVm
from controller.drivers.base import Ability, NotRunning, Power, need
from controller.jobs.steps import Say, Step
from controller.workers.machine import Machine
from controller.workers.machine_steps import quiet, recording
from controller.workers.site import Site


def pause(action: PauseVm, site: Site) -> Sequence[Step]:
    """Hold its processors."""
    vm = Machine.of(site, action.vm_id)
    engine = vm.drivers.hypervisor
    need(engine, Ability.PAUSE)

    def undo(_say: Say) -> None:
        if engine.state(vm.id) is Power.PAUSED:
            engine.resume(vm.id)
        vm.observe()

    title = Text("暂停虚拟机", "Pause the machine")
    return [Step("pause", title, quiet(lambda: engine.pause(vm.id)), undo), recording(vm)]


def resume(action: ResumeVm, site: Site) -> Sequence[Step]:
    """Let its processors go on."""
    vm = Machine.of(site, action.vm_id)
    engine = vm.drivers.hypervisor
    need(engine, Ability.PAUSE)
    title = Text("恢复虚拟机", "Let the machine go on")
    do = quiet(lambda: engine.resume(vm.id))
    return [Step("resume", title, do, quiet(vm.observe)), recording(vm)]


def reset(action: ResetVm, site: Site) -> Sequence[Step]:
    """Press its reset button; a paused one goes on with that."""
    vm = Machine.of(site, action.vm_id)
    engine = vm.drivers.hypervisor

    def do(_say: Say) -> None:
        power = engine.state(vm.id)
        if power not in (Power.RUNNING, Power.PAUSED):
            raise NotRunning(name=vm.row.name)
        engine.reset(vm.id)
        if power is Power.PAUSED:
            engine.resume(vm.id)

    return [
        Step("reset", Text("复位虚拟机", "Reset the machine"), do, quiet(vm.observe)),
        recording(vm),
    ]
