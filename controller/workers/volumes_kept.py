"""How a volume's states are kept, brought back, forgotten and cloned, step by step."""

from collections.abc import Sequence

from appliance.errors import Text
from controller.actions.vms_one import VmWrongPower
from controller.actions.volumes_kept import (
    CloneVolume,
    DropVolumeSnapshot,
    RollBackVolume,
    SnapshotVolume,
)
from controller.actions.volumes_one import key
from controller.drivers.base import Ability
from controller.drivers.storage import StorageAbility
from controller.jobs.steps import Say, Step
from controller.records.tables import Volume
from controller.workers.disks import Volumed, lying
from controller.workers.site import Site
from controller.workers.volumes import recording


def snapshot(action: SnapshotVolume, site: Site) -> Sequence[Step]:
    """Keep the present state; the guest's file systems are held still meanwhile where it can."""
    volume = Volumed.of(site, action.volume_id)

    def take(say: Say) -> None:
        if not volume.on(action.vm_id):
            volume.storage.snapshot(volume.id, action.name)
            return
        _must_be_off_unless_shared(volume, action.vm_id)
        engine = volume.engine(action.vm_id)
        try:
            frozen = Ability.AGENT in engine.abilities and engine.freeze(action.vm_id)
            volume.storage.snapshot(volume.id, action.name)
        finally:
            engine.thaw(action.vm_id)
        say(f"来宾文件系统静默 guest frozen: {'是 yes' if frozen else '否 no'}")

    def drop(_say: Say) -> None:
        if action.vm_id:
            volume.engine(action.vm_id).thaw(action.vm_id)
        volume.storage.drop_snapshot(volume.id, action.name)

    return [
        Step("take", Text("建立快照", "Take the snapshot"), take, drop),
        Step(
            "record",
            Text("登记快照", "Record the snapshot"),
            lambda _say: volume.edit(lambda row: _with(row, action.name)),
            lambda _say: volume.edit(lambda row: _without(row, action.name)),
        ),
    ]


def roll_back(action: RollBackVolume, site: Site) -> Sequence[Step]:
    """Bring the kept state back. There is no way back from half of it but to do it again."""
    volume = Volumed.of(site, action.volume_id)

    def back(_say: Say) -> None:
        if volume.on(action.vm_id):
            power = volume.engine(action.vm_id).state(action.vm_id)
            raise VmWrongPower(name=action.vm_id, power=power.value, wanted="stopped 已关机")
        volume.storage.roll_back(volume.id, action.name)

    def record(_say: Say) -> None:
        gib = volume.storage.gib(volume.id)  # a state from before it grew is smaller
        volume.change(size_gib=gib)
        site.report(volume=volume.id, snapshot=action.name, gib=gib)

    return [
        Step("back", Text("回滚", "Roll back"), back),
        Step("record", Text("登记卷", "Record the volume"), record),
    ]


def drop(action: DropVolumeSnapshot, site: Site) -> Sequence[Step]:
    """Forget the kept state, then its name."""
    volume = Volumed.of(site, action.volume_id)

    def forget(_say: Say) -> None:
        if volume.on(action.vm_id):
            _must_be_off_unless_shared(volume, action.vm_id)
        volume.storage.drop_snapshot(volume.id, action.name)
        volume.edit(lambda row: _without(row, action.name))

    return [Step("drop", Text("删除快照", "Drop the snapshot"), forget)]


def clone(action: CloneVolume, site: Site) -> Sequence[Step]:
    """Make the volume beside its origin: on the kept state, or as a copy of it."""
    volume, origin = Volumed.of(site, action.volume_id), key(action.origin)
    storage = lying(site, volume.row.storage, volume.row.node)

    def make(say: Say) -> None:
        if action.full:
            say("完整复制 full copy")
            storage.copy(volume.id, storage.locator(origin, action.snapshot), lambda _part: None)
        else:
            storage.branch(volume.id, origin, action.snapshot)

    def unmake(_say: Say) -> None:
        storage.erase(volume.id)
        if not action.full:
            storage.unbranch(origin, action.snapshot)

    return [
        Step("make", Text("克隆卷", "Clone the volume"), make, unmake),
        recording(volume, storage),
    ]


def _must_be_off_unless_shared(volume: Volumed, vm_id: str) -> None:
    """Raise `VmWrongPower` where QEMU holds the volume's file open: nobody else may touch it."""
    if StorageAbility.SHARED not in volume.storage.abilities:
        power = volume.engine(vm_id).state(vm_id)
        wanted = "stopped 已关机（本地存储 its disk is a file of the node）"
        raise VmWrongPower(name=vm_id, power=power.value, wanted=wanted)


def _with(row: Volume, name: str) -> None:
    row.snapshots = [*(kept for kept in row.snapshots if kept != name), name]


def _without(row: Volume, name: str) -> None:
    row.snapshots = [kept for kept in row.snapshots if kept != name]
