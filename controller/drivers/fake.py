"""A hypervisor of files for tests: its VMs survive the death of the process, as real ones do."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from controller.drivers.base import (
    Ability,
    Disk,
    GuestResult,
    NoSuchVm,
    NotRunning,
    Power,
    VmSpec,
)


class FakeHypervisor:
    """One JSON file per VM under `root`. Its guests answer every program with success."""

    name = "fake"
    abilities = frozenset({Ability.AGENT, Ability.HOTPLUG})

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def define(self, spec: VmSpec) -> None:
        """See `HypervisorDriver.define`."""
        known = self._read(spec.id) if self._file(spec.id).exists() else {}
        serials = [disk.serial for disk in spec.disks]
        self._write(spec.id, {"power": "stopped", **known, "name": spec.name, "disks": serials})

    def undefine(self, vm_id: str) -> None:
        """See `HypervisorDriver.undefine`."""
        self._file(vm_id).unlink(missing_ok=True)

    def start(self, vm_id: str) -> None:
        """See `HypervisorDriver.start`."""
        self._write(vm_id, {**self._read(vm_id), "power": Power.RUNNING.value})

    def stop(self, vm_id: str, *, force: bool = False, patience: float = 90.0) -> None:
        """See `HypervisorDriver.stop`."""
        del force, patience
        if self.state(vm_id) is Power.RUNNING:
            self._write(vm_id, {**self._read(vm_id), "power": Power.STOPPED.value})

    def state(self, vm_id: str) -> Power:
        """See `HypervisorDriver.state`."""
        return self.states().get(vm_id, Power.ABSENT)

    def states(self) -> Mapping[str, Power]:
        """See `HypervisorDriver.states`."""
        return {f.stem: Power(str(self._read(f.stem)["power"])) for f in self._root.glob("*.json")}

    def attach(self, vm_id: str, disk: Disk, *, keep: bool = False) -> None:
        """See `HypervisorDriver.attach`."""
        del keep
        known = self._running(vm_id)
        serials = [s for s in self._serials(known) if s != disk.serial]
        self._write(vm_id, {**known, "disks": [*serials, disk.serial]})

    def detach(self, vm_id: str, serial: str) -> None:
        """See `HypervisorDriver.detach`."""
        if self.state(vm_id) is Power.RUNNING:
            known = self._read(vm_id)
            left = [s for s in self._serials(known) if s != serial]
            self._write(vm_id, {**known, "disks": left})

    def ping(self, vm_id: str) -> bool:
        """See `HypervisorDriver.ping`."""
        return self.state(vm_id) is Power.RUNNING

    def run(
        self, vm_id: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0
    ) -> GuestResult:
        """See `HypervisorDriver.run`. Echoes `stdin`."""
        del argv, timeout
        self._running(vm_id)
        return GuestResult(0, stdin, b"")

    def _running(self, vm_id: str) -> dict[str, object]:
        known = self._read(vm_id)
        if known["power"] != Power.RUNNING.value:
            raise NotRunning(name=vm_id)
        return known

    def _serials(self, known: dict[str, object]) -> list[str]:
        disks = known.get("disks", [])
        return [str(serial) for serial in disks] if isinstance(disks, list) else []

    def _file(self, vm_id: str) -> Path:
        return self._root / f"{vm_id}.json"

    def _read(self, vm_id: str) -> dict[str, object]:
        try:
            known: dict[str, object] = json.loads(self._file(vm_id).read_text("utf-8"))
        except FileNotFoundError as error:
            raise NoSuchVm(name=vm_id) from error
        return known

    def _write(self, vm_id: str, known: dict[str, object]) -> None:
        fresh = self._root / f".{vm_id}.new"
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(self._file(vm_id))
