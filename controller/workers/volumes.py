"""How volumes are created, attached, detached, grown and deleted, step by step."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete as removing
from sqlalchemy.orm import Session

from appliance.errors import NotFound, Text
from controller.actions.volumes import (
    AttachVolume,
    CreateVolume,
    DeleteVolume,
    DetachVolume,
    GrowVolume,
)
from controller.actions.volumes_one import key
from controller.drivers.storage import StorageDriver, StorageFull
from controller.jobs.steps import Say, Step, nothing
from controller.records.tables import Vm, Volume
from controller.workers import erasures
from controller.workers.disks import Volumed, lying
from controller.workers.site import Site

_MAKE = Text("建立卷", "Make the volume")
_RECORD = Text("登记卷", "Record the volume")


def create(action: CreateVolume, site: Site) -> Sequence[Step]:
    """Make an empty volume and record it."""
    volume = Volumed.of(site, action.volume_id)
    storage = lying(site, action.storage, action.node)

    def make(_say: Say) -> None:
        storage.create(volume.id, action.gib)

    def unmake(_say: Say) -> None:
        storage.erase(volume.id)

    return [Step("make", _MAKE, make, unmake), recording(volume, storage)]


def recording(volume: Volumed, storage: StorageDriver) -> Step:
    """Record that the volume is there."""

    def record(_say: Say) -> None:
        volume.change(actual="present", path=str(storage.source(volume.id)))
        volume.site.report(volume=volume.id, serial=volume.row.serial)

    def unrecord(_say: Say) -> None:
        volume.change(actual="absent")

    return Step("record", _RECORD, record, unrecord)


def attach(action: AttachVolume, site: Site) -> Sequence[Step]:
    """Give it to the machine: in the records first, from which the machine is defined."""
    volume = Volumed.of(site, action.volume_id)

    def assign(_say: Say) -> None:
        volume.change(vm_id=action.vm_id)

    def release(_say: Say) -> None:
        volume.change(vm_id=None)

    return [
        Step("assign", Text("登记归属", "Record whose it is"), assign, release),
        Step(
            "plug",
            Text("接入卷", "Plug the volume in"),
            lambda say: _plug(volume, action.vm_id, say),
            lambda _say: _unplug(volume, action.vm_id),
        ),
    ]


def detach(action: DetachVolume, site: Site) -> Sequence[Step]:
    """Take it from the machine; the guest is asked to let go and waited for."""
    volume = Volumed.of(site, action.volume_id)

    def assign(_say: Say) -> None:
        volume.change(vm_id=action.vm_id)

    def release(_say: Say) -> None:
        volume.change(vm_id=None)

    return [
        Step(
            "unplug",
            Text("取下卷", "Unplug the volume"),
            lambda _say: _unplug(volume, action.vm_id),
            lambda say: _plug(volume, action.vm_id, say),
        ),
        Step("release", Text("登记取下", "Record that it is free"), release, assign),
    ]


def grow(action: GrowVolume, site: Site) -> Sequence[Step]:
    """Enlarge it, through the machine that has it open. What grew does not shrink again."""
    volume = Volumed.of(site, action.volume_id)

    def enlarge(say: Say) -> None:
        storage = volume.storage
        _room(storage, action.gib - storage.gib(volume.id))
        if volume.on(action.vm_id):
            engine = volume.engine(action.vm_id)
            engine.enlarge(action.vm_id, volume.row.serial, action.gib)
            say("运行中的来宾已看到新容量 the running guest sees the new size")
        else:
            storage.grow(volume.id, action.gib)

    def record(_say: Say) -> None:
        def work(session: Session) -> None:
            row = session.get(Volume, volume.id)
            if row is None:
                return
            row.size_gib, row.version = action.gib, row.version + 1
            vm = session.get(Vm, action.vm_id) if row.kind == "system" else None
            if vm is not None:
                vm.disk_gib, vm.version = action.gib, vm.version + 1

        site.change(work)
        site.report(volume=volume.id, gib=action.gib)

    return [
        Step("grow", Text("扩大卷", "Enlarge the volume"), enlarge),
        Step("record", _RECORD, record),
    ]


def delete(action: DeleteVolume, site: Site) -> Sequence[Step]:
    """Overwrite, read back, remove; the record goes last."""
    titles = {
        "erase": Text("清除内容", "Erase the content"),
        "forget": Text("注销卷", "Forget the volume"),
    }
    try:
        volume = Volumed.of(site, action.volume_id)
    except NotFound:
        # Cut off behind the last step: its record goes last, so nothing else is left either.
        return [Step(name, title, nothing) for name, title in titles.items()]

    def erase(say: Say) -> None:
        erase_with_evidence(volume, volume.storage, volume.row.node, say)

    def forget(_say: Say) -> None:
        site.change(lambda session: _drop(session, action.volume_id))

    return [Step("erase", titles["erase"], erase), Step("forget", titles["forget"], forget)]


def erase_with_evidence(volume: Volumed, storage: StorageDriver, node: str, say: Say) -> None:
    """Drop its own snapshots, erase it, and say so in the log, the result and the evidence file."""
    if volume.id in storage.volumes():
        for kept in _kept(volume.id, storage):
            storage.drop_snapshot(volume.id, kept)
    gone = erasures.erase(volume.site, storage, volume.id, node)
    if gone is not None:
        say(erasures.told(gone))
        volume.site.report(erased=asdict(gone))


def _kept(volume: str, storage: StorageDriver) -> Sequence[str]:
    try:
        return storage.snapshots(volume)
    except NotFound:
        return ()  # half made or half erased: it has a name, but no whole volume


def _plug(volume: Volumed, vm_id: str, say: Say) -> None:
    if vm_id:
        volume.engine(vm_id).attach(vm_id, volume.disk(vm_id), keep=True)
        say(f"来宾中序列号 serial in the guest: {volume.row.serial}")


def _unplug(volume: Volumed, vm_id: str) -> None:
    if vm_id:
        volume.engine(vm_id).detach(vm_id, volume.row.serial)


def _room(storage: StorageDriver, gib: int) -> None:
    found = storage.capacity()
    if gib > 0 and found.used + gib * 1024 > found.ceiling:
        left = max(0, found.ceiling - found.used)
        raise StorageFull(storage=storage.name, wanted=gib * 1024, left=left)


def _drop(session: Session, volume_id: str) -> None:
    session.execute(removing(Volume).where(Volume.id == key(volume_id)))
