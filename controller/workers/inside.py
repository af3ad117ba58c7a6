"""One module in its virtual machine: its scripts run through the guest agent, its answers read."""

from dataclasses import dataclass
from typing import Any

from appliance.errors import Failed, Text
from appliance.sdk import guest
from appliance.sdk.manifest import Manifest
from controller.drivers.base import Disk, Power
from controller.jobs.steps import Say
from controller.workers.machine import Machine
from network.zones import PLAN

VOLUME = "hbox-module"  # serial of the bundle's disk; a serial holds 20 characters
_INSTALL_LIMIT = 900.0  # seconds; pip in a translated (TCG) guest takes minutes


class GuestFailed(Failed):
    """A script inside the guest ended without success."""

    code = "module.guest_failed"
    text = Text("来宾内步骤 {step} 失败：{why}", "The step {step} inside the guest failed: {why}")
    hint = Text("任务日志中有来宾的输出。", "The job's log has what the guest said.")


@dataclass(frozen=True)
class Inside:
    """A module (by its manifest) and the machine that it lives in."""

    machine: Machine
    manifest: Manifest

    def install(self, digest: str, say: Say) -> None:
        """Run the install script: the guest checks the digest again, unpacks, starts the module."""
        zone = PLAN.intranet if self.machine.row.zone == "intranet" else PLAN.extranet
        settings = guest.config(self.manifest, f"http://{zone.leg_address}:{PLAN.port}")
        script = guest.install(self.manifest, digest, VOLUME, settings)
        self._run(script, say, _INSTALL_LIMIT)

    def remove(self, say: Say, *, data: bool) -> None:
        """Run the remove script; in a machine that is off nothing runs, and nothing can be removed."""
        if self.machine.drivers.hypervisor.state(self.machine.id) is Power.RUNNING:
            self._run(guest.remove(self.manifest, data=data), say, 180.0)
        else:
            say("虚拟机未运行，来宾内文件未清除 the machine is off: files inside it stay")

    def health(self, probe: guest.Probe) -> dict[str, Any]:
        """Ask the module itself; returns its answer: `ok`, `status` (HTTP), `body`."""
        script = guest.health(self.manifest, probe)
        said = self.machine.drivers.hypervisor.run(
            self.machine.id, ["/bin/sh", "-s"], stdin=script.encode(), timeout=60
        )
        return guest.outcome(said.out.decode("utf-8", "replace"))

    def plug(self, volume: str) -> None:
        """Plug the bundle's volume in, read-only."""
        disk = Disk(self.machine.storage.source(volume), VOLUME, read_only=True)
        self.machine.drivers.hypervisor.attach(self.machine.id, disk)

    def _run(self, script: str, say: Say, limit: float) -> dict[str, Any]:
        said = self.machine.drivers.hypervisor.run(
            self.machine.id, ["/bin/sh", "-s"], stdin=script.encode(), timeout=limit
        )
        output = said.out.decode("utf-8", "replace")
        answer = guest.outcome(output)
        if said.code != 0 or not answer.get("ok"):
            tail = (said.err.decode("utf-8", "replace") or output).strip()[-1500:]
            say(tail)
            raise GuestFailed(step=answer.get("step", "?"), why=tail[-300:])
        return answer
