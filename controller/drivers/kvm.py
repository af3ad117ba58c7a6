"""Virtual machines through libvirt and QEMU: the driver `kvm`, over the modules kvm_*.py."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.drivers import (
    guest,
    kvm_devices,
    kvm_lines,
    kvm_power,
    kvm_resize,
    kvm_seen,
)
from controller.drivers.base import (
    Ability,
    Disk,
    GuestResult,
    Link,
    Moved,
    Power,
    Seen,
    Serial,
    Stats,
    Target,
    VmSpec,
)
from controller.drivers.domain_xml import domain_xml
from controller.drivers.kvm_link import PATIENCE, LibvirtLink, qemu_library
from controller.drivers.kvm_moving import Mover


class KvmDriver:
    """One node's libvirt. Reconnects by itself when libvirtd was restarted.

    `patience`: seconds that a libvirtd which is away is waited for. `kind` is libvirt's domain type
    instead of kvm or qemu; its built-in `test` driver can do little of what QEMU can.
    """

    name = "kvm"
    abilities = frozenset(Ability)

    def __init__(
        self, uri: str = "qemu:///system", *, kind: str = "", patience: float = PATIENCE
    ) -> None:
        self._kind = kind
        self._link = LibvirtLink(uri, patience)
        self._mover = Mover(self._link)
        self._lines = kvm_lines.SerialLines(self._link)
        if kind == "test":
            self.abilities = frozenset({Ability.PAUSE, Ability.INSPECT})

    def define(self, spec: VmSpec) -> None:
        """See `HypervisorDriver.define`."""
        kvm_power.define(self._link, spec.id, domain_xml(spec, kind=self._kind))

    def undefine(self, vm_id: str) -> None:
        """See `HypervisorDriver.undefine`."""
        kvm_power.undefine(self._link, vm_id)

    def start(self, vm_id: str) -> None:
        """See `HypervisorDriver.start`."""
        kvm_power.start(self._link, vm_id)

    def stop(self, vm_id: str, *, force: bool = False, patience: float = 90.0) -> None:
        """See `HypervisorDriver.stop`."""
        kvm_power.stop(self._link, vm_id, force=force, patience=patience)

    def state(self, vm_id: str) -> Power:
        """See `HypervisorDriver.state`."""
        return kvm_power.state(self._link, vm_id)

    def states(self) -> Mapping[str, Power]:
        """See `HypervisorDriver.states`."""
        return kvm_power.states(self._link)

    def pause(self, vm_id: str) -> None:
        """See `HypervisorDriver.pause`."""
        kvm_power.running(self._link, vm_id)
        kvm_power.pause(self._link, vm_id)

    def resume(self, vm_id: str) -> None:
        """See `HypervisorDriver.resume`."""
        kvm_power.running(self._link, vm_id)
        kvm_power.resume(self._link, vm_id)

    def reset(self, vm_id: str) -> None:
        """See `HypervisorDriver.reset`."""
        kvm_power.running(self._link, vm_id)
        kvm_power.reset(self._link, vm_id)

    def resize(self, vm_id: str, vcpus: int, memory_mib: int) -> bool:
        """See `HypervisorDriver.resize`."""
        done = kvm_resize.resize(self._link, vm_id, vcpus, memory_mib)
        if self.state(vm_id) is Power.RUNNING:
            kvm_resize.take_up(functools.partial(self._agent, vm_id))
        return done

    def attach(self, vm_id: str, disk: Disk, *, keep: bool = False) -> None:
        """See `HypervisorDriver.attach`."""
        kvm_devices.attach(self._link, vm_id, disk, keep=keep)

    def detach(self, vm_id: str, serial: str) -> None:
        """See `HypervisorDriver.detach`."""
        kvm_devices.detach(self._link, vm_id, serial)

    def enlarge(self, vm_id: str, serial: str, gib: int) -> None:
        """See `HypervisorDriver.enlarge`."""
        kvm_devices.enlarge(self._link, vm_id, serial, gib)

    def plug(self, vm_id: str, link: Link) -> None:
        """See `HypervisorDriver.plug`."""
        kvm_devices.plug(self._link, vm_id, link)

    def unplug(self, vm_id: str, mac: str) -> None:
        """See `HypervisorDriver.unplug`."""
        kvm_devices.unplug(self._link, vm_id, mac)

    def migrate(self, vm_id: str, target: Target, tell: Callable[[float], None]) -> Moved:
        """See `HypervisorDriver.migrate`. At most two VMs leave this node at once; others wait."""
        return self._mover.migrate(vm_id, target, tell)

    def cancel_migration(self, vm_id: str) -> None:
        """See `HypervisorDriver.cancel_migration`."""
        self._mover.cancel(vm_id)

    def freeze(self, vm_id: str) -> bool:
        """See `HypervisorDriver.freeze`."""
        return kvm_power.freeze(self._link, vm_id)

    def thaw(self, vm_id: str) -> None:
        """See `HypervisorDriver.thaw`. Raises `AgentSilent` when the guest may still be held still."""
        kvm_power.thaw(self._link, vm_id)

    def seen(self, vm_id: str) -> Seen | None:
        """See `HypervisorDriver.seen`."""
        return kvm_seen.seen(self._link, vm_id)

    def stats(self) -> Mapping[str, Stats]:
        """See `HypervisorDriver.stats`."""
        return kvm_seen.stats(self._link)

    def screen(self, vm_id: str) -> str:
        """See `HypervisorDriver.screen`."""
        return kvm_lines.screen(self._link, vm_id)

    def serial(self, vm_id: str) -> Serial:
        """See `HypervisorDriver.serial`."""
        return self._lines.take(vm_id)

    def ping(self, vm_id: str) -> bool:
        """See `HypervisorDriver.ping`."""
        return guest.ping(functools.partial(self._agent, vm_id))

    def run(
        self, vm_id: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0
    ) -> GuestResult:
        """See `HypervisorDriver.run`."""
        return guest.run(functools.partial(self._agent, vm_id), argv, stdin=stdin, timeout=timeout)

    def _agent(self, vm_id: str, command: str, wait: int) -> str:
        def work(domain: Any) -> str:
            answer: str = qemu_library().qemuAgentCommand(domain, command, wait, 0)
            return answer

        return self._link.domain("ask the agent", vm_id, work)
