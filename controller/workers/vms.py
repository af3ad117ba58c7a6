"""How virtual machines are created, started, stopped and deleted, step by step."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select

from appliance.errors import NotFound, Text
from controller.actions.addresses import of_machines
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.drivers.storage import VolumeInUse
from controller.jobs.steps import Say, Step, nothing
from controller.jobs.trust import NotTrusted
from controller.records.session import reading
from controller.records.tables import Volume
from controller.workers import erasures
from controller.workers.machine import Machine
from controller.workers.machine_steps import defining, going, quiet, recording
from controller.workers.site import Site

_ASKED = (
    "name", "zone", "node", "vcpus", "memory_mib", "disk_gib", "tenant", "storage", "template_id",
    "apart", "user_data",
)  # fmt: skip


def create(action: CreateVm, site: Site) -> Sequence[Step]:
    """Make disks, define, and (if wished) start and wait until the guest itself answers."""
    vm = _as_asked(action, site)
    steps = [
        Step(
            "disk",
            Text("建立系统盘", "Make the system disk"),
            quiet(vm.make_system),
            quiet(vm.erase),
        ),
        Step(
            "seed",
            Text("写入首启配置", "Write the first-boot data"),
            quiet(vm.make_seed),
            quiet(vm.erase),
        ),
        defining(vm),
    ]
    return [*steps, *(going(vm) if action.start else ()), recording(vm)]


def start(action: StartVm, site: Site) -> Sequence[Step]:
    """Power on and wait until the guest answers."""
    vm = Machine.of(site, action.vm_id)
    return [*going(vm), recording(vm)]


def stop(action: StopVm, site: Site) -> Sequence[Step]:
    """Shut down, or cut the power."""
    vm = Machine.of(site, action.vm_id)

    def halt(say: Say) -> None:
        say("切断电源 power off" if action.force else "请求关机 asking the guest to shut down")
        vm.drivers.hypervisor.stop(vm.id, force=action.force)

    title = Text("停止虚拟机", "Stop the machine")
    return [Step("stop", title, halt, quiet(vm.observe)), recording(vm)]


def delete(action: DeleteVm, site: Site) -> Sequence[Step]:
    """Power off, forget the definition, erase the disks with evidence, free name and address."""
    try:
        vm = Machine.of(site, action.vm_id)
    except NotFound:
        # Cut off behind the last step: its record goes last, so nothing else is left either.
        return [Step(key, title, nothing) for key, title in _DELETING.items()]

    def halt(_say: Say) -> None:
        vm.drivers.hypervisor.stop(vm.id, force=True)

    def undefine(_say: Say) -> None:
        vm.drivers.hypervisor.undefine(vm.id)
        vm.observe()

    def erase(say: Say) -> None:
        parents = _snapshots_of_its_own(site, vm.id)
        for gone in vm.erase():
            say(erasures.told(gone))
            site.report(**{f"erased {gone.volume.partition('/')[2]}": asdict(gone)})
        for volume, kept in parents:
            _drop(vm, volume, kept, say)
        vm.forget()

    return [
        Step("stop", _DELETING["stop"], halt, quiet(vm.observe)),
        Step("undefine", _DELETING["undefine"], undefine, quiet(vm.define)),
        Step("erase", _DELETING["erase"], erase),
    ]


def _as_asked(action: CreateVm, site: Site) -> Machine:
    """Return the machine as the accepted action asks for it: its row may have been altered since.

    Address and MAC stand in the row alone; an address that no machine may have (the gateway's own,
    the hospital's) raises `NotTrusted`.
    """
    vm = Machine.of(site, action.vm_id)
    asked = asdict(action)
    for name in _ASKED:
        setattr(vm.row, name, asked[name])
    box = site.settings
    subnet = box.intranet_subnet if action.zone == "intranet" else box.extranet_subnet
    if vm.row.address not in of_machines(subnet):
        raise NotTrusted(why=f"no machine of the {action.zone} has this address")
    return Machine(site, vm.row, site.node(action.node))


def _snapshots_of_its_own(site: Site, vm_id: str) -> list[tuple[str, str]]:
    """Return the origin's volumes and snapshots that were kept for this linked clone alone."""
    with reading(site.engine) as session:
        mine = select(Volume.parent).where(Volume.vm_id == vm_id)
        parents = [parent.partition("@") for parent in session.scalars(mine)]
    return [(volume, kept) for volume, _, kept in parents if kept == f"clone-{vm_id}"]


def _drop(vm: Machine, volume: str, kept: str, say: Say) -> None:
    try:
        vm.storage.drop_snapshot(volume, kept)
    except VolumeInUse as error:
        # A data volume of the clone lives on and rests on it: it goes with that one.
        say(f"来源快照保留 kept for now: {volume}@{kept}: {error}")


_DELETING = {
    "stop": Text("切断电源", "Power off"),
    "undefine": Text("注销虚拟机", "Undefine the machine"),
    "erase": Text("清除磁盘", "Erase the disks"),
}
