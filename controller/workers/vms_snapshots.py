"""How a machine's snapshots are taken, brought back and dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance.errors import NotFound, Text
from controller.actions.vms_snapshots import DropVmSnapshot, RollbackVm, SnapshotVm, inner_name
from controller.drivers.base import Power
from controller.drivers.storage import StorageDriver
from controller.jobs.steps import Say, Step, nothing
from controller.records.cluster import Snapshot
from controller.records.session import reading
from controller.records.tables import Vm
from controller.workers import stillness
from controller.workers.machine import Machine
from controller.workers.machine_steps import recording
from controller.workers.site import Site


def snapshot(action: SnapshotVm, site: Site) -> Sequence[Step]:
    """Keep all writable volumes as they are at one instant."""
    vm = Machine.of(site, action.vm_id)
    name = inner_name(action.snapshot_id)

    def take(say: Say) -> None:
        volumes = vm.writable()
        frozen = stillness.keep(vm, name, volumes)
        ids = [volume for volume, _ in volumes]
        site.change(lambda session: _took(session, action.snapshot_id, ids, frozen=frozen))
        say(f"卷 volumes: {len(ids)}；文件系统静默 guest frozen: {'是 yes' if frozen else '否 no'}")

    def drop(_say: Say) -> None:
        vm.drivers.hypervisor.thaw(vm.id)
        stillness.forget(name, vm.writable())

    def record(_say: Say) -> None:
        site.change(lambda session: _state(session, action.snapshot_id, "ready"))
        site.report(vm=vm.id, snapshot=action.snapshot_id)

    def unrecord(_say: Say) -> None:
        site.change(lambda session: _state(session, action.snapshot_id, "making"))

    return [
        Step("take", Text("建立快照", "Take the snapshot"), take, drop),
        Step("record", Text("登记快照", "Record the snapshot"), record, unrecord),
    ]


def roll_back(action: RollbackVm, site: Site) -> Sequence[Step]:
    """Bring the volumes back; what they are now is kept beside until all of them are back."""
    vm = Machine.of(site, action.vm_id)
    kept = _row(site, action.snapshot_id)
    if kept is None:
        raise NotFound(what="快照 snapshot", name=action.snapshot_id)
    volumes = tuple((volume, held) for volume, held in vm.writable() if volume in kept.volumes)
    way = _Back(vm, volumes, inner_name(action.snapshot_id), f"back-{action.snapshot_id}")
    return [
        Step("save", Text("保留当前状态", "Keep the present state"), way.save, way.release),
        Step("back", Text("回滚", "Bring the snapshot back"), way.back, way.forth),
        recording(vm),
        Step("release", Text("释放保留的状态", "Forget the state kept"), way.release),
    ]


@dataclass(frozen=True)
class _Back:
    vm: Machine
    volumes: tuple[tuple[str, StorageDriver], ...]
    name: str
    present: str

    def save(self, _say: Say) -> None:
        stillness.must_be_off(self.vm)
        stillness.keep(self.vm, self.present, self.volumes)

    def back(self, _say: Say) -> None:
        stillness.must_be_off(self.vm)
        for volume, storage in self.volumes:
            storage.roll_back(volume, self.name)

    def forth(self, _say: Say) -> None:
        for volume, storage in self.volumes:
            if self.present in storage.snapshots(volume):
                storage.roll_back(volume, self.present)

    def release(self, _say: Say) -> None:
        stillness.forget(self.present, self.volumes)


def drop(action: DropVmSnapshot, site: Site) -> Sequence[Step]:
    """Forget the snapshot on every volume that still has it; its record goes last."""
    title = Text("删除快照", "Drop the snapshot")
    vm, kept = Machine.of(site, action.vm_id), _row(site, action.snapshot_id)
    if kept is None:
        return [Step("drop", title, nothing)]

    def do(_say: Say) -> None:
        volumes = [(volume, held) for volume, held in vm.writable() if volume in kept.volumes]
        if vm.drivers.hypervisor.state(vm.id) in (Power.RUNNING, Power.PAUSED):
            stillness.must_be_shared(vm, volumes)
        stillness.forget(inner_name(action.snapshot_id), volumes)
        site.change(lambda session: _forget(session, action.snapshot_id))

    return [Step("drop", title, do)]


def _row(site: Site, snapshot_id: str) -> Snapshot | None:
    with reading(site.engine) as session:
        return session.get(Snapshot, snapshot_id)


def _took(session: Session, snapshot_id: str, volumes: list[str], *, frozen: bool) -> None:
    row = session.get(Snapshot, snapshot_id)
    if row is not None:
        row.volumes, row.frozen = volumes, frozen


def _state(session: Session, snapshot_id: str, state: str) -> None:
    row = session.get(Snapshot, snapshot_id)
    if row is not None:
        row.state = state
        vm = session.get(Vm, row.vm_id)
        if vm is not None:
            vm.version += 1


def _forget(session: Session, snapshot_id: str) -> None:
    row = session.get(Snapshot, snapshot_id)
    if row is not None:
        session.delete(row)
