"""What may be asked of a running machine: hold its processors, let them go on, press its reset button."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.actions.rights import Right
from controller.actions.vms_one import PowerVm, VmWrongPower, find


@dataclass(frozen=True)
class PauseVm(PowerVm):
    """Hold the machine's processors; its memory stays as it is."""

    kind: ClassVar[str] = "vm.pause"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text("暂停虚拟机 {vm_id}", "Pause the virtual machine {vm_id}")
    wished: ClassVar[str] = "paused"

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        _must_be_on(session, self.vm_id)


@dataclass(frozen=True)
class ResumeVm(PowerVm):
    """Let a paused machine go on."""

    kind: ClassVar[str] = "vm.resume"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text("恢复虚拟机 {vm_id}", "Let the virtual machine {vm_id} go on")
    wished: ClassVar[str] = "running"

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        _must_be_on(session, self.vm_id)


@dataclass(frozen=True)
class ResetVm(PowerVm):
    """Press the machine's reset button: it boots anew, without a shutdown."""

    kind: ClassVar[str] = "vm.reset"
    right: ClassVar[Right] = Right.OPERATE
    sentence: ClassVar[Text] = Text("复位虚拟机 {vm_id}", "Reset the virtual machine {vm_id}")
    wished: ClassVar[str] = "running"

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        _must_be_on(session, self.vm_id)


def _must_be_on(session: Session, vm_id: str) -> None:
    vm = find(session, vm_id)
    # What is wished counts too: a start may be queued before this.
    if "running" not in (vm.wished, vm.actual) and "paused" not in (vm.wished, vm.actual):
        raise VmWrongPower(name=vm.name, power=vm.actual, wanted="running 运行中")
