"""How a machine is cloned: from one instant of the origin's disks, as a machine with an identity of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.actions.vms_moving import CloneVm, resting_on, twin
from controller.drivers.storage import StorageDriver
from controller.jobs.steps import Say, Step
from controller.records.session import reading
from controller.records.tables import Volume
from controller.workers import stillness
from controller.workers.machine import SYSTEM, Machine
from controller.workers.machine_steps import defining, quiet, recording
from controller.workers.site import Site


def clone(action: CloneVm, site: Site) -> Sequence[Step]:
    """Hold the origin's disks, copy them or rest on them, make a seed with new identity, define."""
    origin = Machine.of(site, action.origin)
    made = _Clone(action, site, origin, Machine.of(site, action.vm_id))
    vm = made.vm
    return [
        Step("hold", Text("保持来源磁盘的状态", "Hold the origin's disks"), made.hold, made.let_go),
        Step("disks", Text("制作磁盘", "Make the disks"), made.disks, made.no_disks),
        Step("release", Text("释放来源", "Let the origin go"), made.release),
        Step(
            "seed",
            Text("写入新身份", "Write the new identity"),
            quiet(lambda: vm.make_seed(renew=True)),
            quiet(vm.erase),
        ),
        defining(vm),
        recording(vm),
    ]


@dataclass(frozen=True)
class _Clone:
    action: CloneVm
    site: Site
    origin: Machine
    vm: Machine

    def hold(self, say: Say) -> None:
        if not self.action.snapshot_id:
            frozen = stillness.keep(self.origin, self._kept, self._origins())
            say(f"文件系统静默 guest frozen: {'是 yes' if frozen else '否 no'}")
        elif self._running():
            stillness.must_be_shared(self.origin, self._origins())

    def let_go(self, _say: Say) -> None:
        if not self.action.snapshot_id:
            self.origin.drivers.hypervisor.thaw(self.origin.id)
            stillness.forget(self._kept, self._origins())

    def disks(self, say: Say) -> None:
        for volume, storage in self._origins():
            copy = twin(self.vm.id, volume)
            say(f"{'复制 copying' if self.action.full else '链接 linking'} {volume}")
            self._make(copy, volume, storage)
        self.site.change(self._present)

    def no_disks(self, _say: Say) -> None:
        for volume, storage in self._origins():
            copy = twin(self.vm.id, volume)
            if copy != self.vm.volume(SYSTEM) and copy in storage.volumes():
                self.vm.wipe(storage, copy)
        self.vm.erase()

    def release(self, say: Say) -> None:
        """Forget what was held for the copies; what linked clones rest on stays until they go."""
        if self.action.full and not self.action.snapshot_id:
            stillness.forget(self._kept, self._origins())
        elif not self.action.full:
            say("链接克隆：来源的快照保留 linked: the origin's snapshot stays")

    @property
    def _kept(self) -> str:
        return resting_on("", self.action).removeprefix("@")

    def _make(self, copy: str, volume: str, storage: StorageDriver) -> None:
        if self.action.full:
            storage.copy(copy, storage.locator(volume, self._kept), lambda _part: None)
        else:
            storage.branch(copy, volume, self._kept)
        if copy == self.vm.volume(SYSTEM):
            parent = "" if self.action.full else resting_on(volume, self.action)
            self.vm.record_volume(SYSTEM, parent=parent)

    def _origins(self) -> list[tuple[str, StorageDriver]]:
        """The origin's volumes that the clone's record was made from, with their storages."""
        with reading(self.site.engine) as session:
            mine = select(Volume.id).where(Volume.vm_id == self.vm.id)
            copies = {*session.scalars(mine), self.vm.volume(SYSTEM)}
        return [
            (volume, storage)
            for volume, storage in self.origin.writable()
            if twin(self.vm.id, volume) in copies
        ]

    def _present(self, session: Session) -> None:
        mine = select(Volume).where(Volume.vm_id == self.vm.id, Volume.actual == "absent")
        for row in session.scalars(mine):
            row.actual, row.path = "present", str(self.vm.storage_of(row.storage).source(row.id))

    def _running(self) -> bool:
        return bool(
            self.origin.drivers.hypervisor.state(self.origin.id).value in ("running", "paused")
        )
