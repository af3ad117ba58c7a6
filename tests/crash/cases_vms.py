"""Virtual machines: every kind of job on one, each from a world in which it makes sense."""

from controller.actions.base import Action
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.actions.vms_drift import AcceptVm, MendVm
from controller.actions.vms_moving import CloneVm, MigrateVm
from controller.actions.vms_power import PauseVm, ResetVm, ResumeVm
from controller.actions.vms_shape import AddNic, RemoveNic, ResizeVm
from controller.actions.vms_snapshots import DropVmSnapshot, RollbackVm, SnapshotVm
from controller.workers.inspection import look
from controller.workers.machine import Machine
from tests.crash.case import Case
from tests.crash.world import HOME, OTHER, World

VM = "6f1c1b1e-0000-4000-8000-000000000001"
TWIN = "6f1c1b1e-0000-4000-8000-000000000002"
NIC = "6f1c1b1e-0000-4000-8000-000000000003"
SNAPSHOT = "6f1c1b1e-0000-4000-8000-000000000004"


def creation(
    vm: str = VM, name: str = "his-1", *, start: bool = True, storage: str = "dir"
) -> CreateVm:
    """The wish for a small machine on the home node."""
    return CreateVm(vm, name, "extranet", HOME, 1, 256, 2, start, storage=storage)


def settled(world: World, action: Action, who: str = "sam") -> None:
    """Have it done, as part of the preparation."""
    job = world.done(who, action)
    assert job.state == "succeeded", (job.state, job.error, world.lines(job.id))


def machine(world: World, *, start: bool = True, storage: str = "dir") -> None:
    """A machine that is there."""
    settled(world, creation(start=start, storage=storage))


def _with(action: Action, *, start: bool = True, storage: str = "dir"):
    def prepare(world: World) -> Action:
        machine(world, start=start, storage=storage)
        return action

    return prepare


def _paused(action: Action):
    def prepare(world: World) -> Action:
        machine(world)
        settled(world, PauseVm(VM))
        return action

    return prepare


def _with_nic(world: World) -> Action:
    machine(world)
    settled(world, AddNic(VM, NIC, "extranet"))
    return RemoveNic(VM, NIC)


def _with_snapshot(action: Action):
    def prepare(world: World) -> Action:
        machine(world, start=False)
        settled(world, SnapshotVm(VM, SNAPSHOT, "before-update"))
        return action

    return prepare


def _drifted(action: Action):
    def prepare(world: World) -> Action:
        machine(world)
        world.site.nodes[HOME].hypervisor.resize(VM, 2, 512)
        look(Machine.of(world.site, VM))
        return action

    return prepare


CASES: dict[str, list[Case]] = {
    "vm.create": [
        Case(lambda _world: creation()),
        Case(lambda _world: creation(start=False, storage="rbd")),
    ],
    "vm.start": [Case(_with(StartVm(VM), start=False))],
    "vm.stop": [Case(_with(StopVm(VM, force=True)), returns=False)],
    "vm.delete": [Case(_with(DeleteVm(VM)), returns=False)],
    "vm.pause": [Case(_with(PauseVm(VM)))],
    "vm.resume": [Case(_paused(ResumeVm(VM)), returns=False)],
    "vm.reset": [Case(_with(ResetVm(VM)), changes=False)],
    "vm.resize": [
        Case(_with(ResizeVm(VM, 2, 512))),
        Case(_with(ResizeVm(VM, 2, 512), start=False)),
    ],
    "vm.nic.add": [Case(_with(AddNic(VM, NIC, "extranet")))],
    "vm.nic.remove": [Case(_with_nic)],
    "vm.snapshot": [Case(_with(SnapshotVm(VM, SNAPSHOT, "before-update"), start=False))],
    "vm.rollback": [Case(_with_snapshot(RollbackVm(VM, SNAPSHOT)), changes=False)],
    "vm.snapshot.drop": [Case(_with_snapshot(DropVmSnapshot(VM, SNAPSHOT)), returns=False)],
    "vm.clone": [
        Case(_with(CloneVm(TWIN, "his-2", VM, "", True, HOME), start=False)),
        Case(_with(CloneVm(TWIN, "his-2", VM, "", False, HOME), start=False)),
    ],
    "vm.migrate": [Case(_with(MigrateVm(VM, OTHER), storage="rbd"), returns=False)],
    "vm.mend": [Case(_drifted(MendVm(VM)), returns=False)],
    "vm.accept": [Case(_drifted(AcceptVm(VM)), returns=False)],
}
