"""Keeping the state of all of a machine's volumes at one instant, its guest's file systems held still meanwhile."""

from collections.abc import Sequence

from appliance.errors import NotFound
from controller.actions.vms_one import VmWrongPower
from controller.drivers.base import Power
from controller.drivers.storage import StorageAbility, StorageDriver
from controller.workers.machine import Machine

Volumes = Sequence[tuple[str, StorageDriver]]


def keep(vm: Machine, name: str, volumes: Volumes) -> bool:
    """Keep the volumes' present state under `name`; return whether the guest was frozen.

    Taken anew if a part was there: two halves of different instants are no snapshot. Raises
    `VmWrongPower` where the storage cannot do it while the machine runs.
    """
    engine = vm.drivers.hypervisor
    on = engine.state(vm.id) in (Power.RUNNING, Power.PAUSED)
    if on:
        must_be_shared(vm, volumes)
    forget(name, volumes)
    try:
        frozen = on and engine.freeze(vm.id)
        for volume, storage in volumes:
            storage.snapshot(volume, name)
    finally:
        engine.thaw(vm.id)
    return frozen


def forget(name: str, volumes: Volumes) -> None:
    """Forget the state that was kept under `name`; where there is none, that is fine."""
    for volume, storage in volumes:
        try:
            if name in storage.snapshots(volume):
                storage.drop_snapshot(volume, name)
        except NotFound:
            continue


def must_be_shared(vm: Machine, volumes: Volumes) -> None:
    """Raise `VmWrongPower` when a volume lies in a file that QEMU holds open: nobody else may touch it."""
    if any(StorageAbility.SHARED not in storage.abilities for _, storage in volumes):
        power = vm.drivers.hypervisor.state(vm.id)
        raise VmWrongPower(
            name=vm.row.name,
            power=power.value,
            wanted="stopped 已关机（本地存储 its disks lie in the node's own storage）",
        )


def must_be_off(vm: Machine) -> None:
    """Raise `VmWrongPower` unless the machine is off."""
    power = vm.drivers.hypervisor.state(vm.id)
    if power not in (Power.STOPPED, Power.ABSENT):
        raise VmWrongPower(name=vm.row.name, power=power.value, wanted="stopped 已关机")
