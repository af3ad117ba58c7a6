"""How a volume moves to another storage: copied, compared, switched over, and only then erased where it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from appliance.errors import Failed, NotFound, Text
from controller.actions.vms_one import VmWrongPower
from controller.actions.volumes_moving import MoveVolume
from controller.actions.volumes_one import key
from controller.drivers.carrying import relay
from controller.drivers.folder import LONG
from controller.drivers.places import reading as opening
from controller.drivers.storage import StorageDriver
from controller.jobs.steps import Say, Step
from controller.records.tables import Vm, Volume
from controller.workers import volumes
from controller.workers.disks import Volumed, lying
from controller.workers.machine import Machine
from controller.workers.site import Site


class NotTheSame(Failed):
    """The copy does not read as the original; the original stays, the copy goes."""

    code = "volume.not_the_same"
    text = Text("卷 {name} 的副本与原件不一致", "The copy of {name} does not read as the original")
    hint = Text(
        "原卷未受影响。请检查两处存储的磁盘后重试。",
        "The original is untouched. Check the disks of both storages, then try again.",
    )


@dataclass(frozen=True)
class End:
    """One end of a move: a storage, and the node whose own it is ("" for a shared one)."""

    site: Site
    name: str
    node: str

    @property
    def storage(self) -> StorageDriver:
        """The storage as its own node, or the controller's, reaches it."""
        return lying(self.site, self.name, self.node)

    def beside(self, other: "End") -> StorageDriver:
        """The storage as the node of the other end reaches it."""
        node = other.node or self.node
        return self.storage.at(self.site.node(node).host) if node else self.storage


def move(action: MoveVolume, site: Site) -> Sequence[Step]:
    """Copy, compare, switch, erase: at no time is there less than one whole volume."""
    return _Move(action, site).steps()


@dataclass(frozen=True)
class _Move:
    action: MoveVolume
    site: Site

    def steps(self) -> list[Step]:
        return [
            Step("copy", Text("复制", "Copy"), self.copy, self.uncopy),
            Step("compare", Text("逐字节比对", "Compare byte for byte"), self.compare),
            Step("switch", Text("切换到新位置", "Switch over"), self.switch, self.switch_back),
            Step("erase", Text("清除原卷", "Erase the original"), self.erase),
        ]

    @property
    def origin(self) -> End:
        return End(self.site, self.action.source, self.action.source_node)

    @property
    def target(self) -> End:
        return End(self.site, self.action.storage, self.action.node)

    @property
    def names(self) -> tuple[str, ...]:
        """All that moves together: a machine's first-boot disc lies where its system disk does."""
        name = key(self.action.volume_id)
        owner, _, kind = name.partition("/")
        return (name, f"{owner}/seed") if kind == "system" else (name,)

    def copy(self, say: Say) -> None:
        self._off()
        for name in self.names:
            if self.origin.node and self.target.node:
                self._carry(name, say)
                continue
            source, target = self.origin.beside(self.target), self.target.beside(self.origin)
            target.copy(name, source.locator(name), lambda _part: None)
            say(f"已复制 copied: {name}")

    def uncopy(self, _say: Say) -> None:
        if self._lies_at(self.target):
            return  # it is the only whole one
        for name in self.names:
            self.target.storage.erase(name)
            self._sweep(name)

    def compare(self, say: Say) -> None:
        for name in self.names:
            if self.origin.node and self.target.node:
                same = self._carried_well(name)
            else:
                source, target = self.origin.beside(self.target), self.target.beside(self.origin)
                same = target.same(name, source.locator(name))
            if not same:
                raise NotTheSame(name=name)
            say(f"一致 the same: {name}")
            self._sweep(name)

    def switch(self, _say: Say) -> None:
        self._off()
        self._place(self.target)

    def switch_back(self, say: Say) -> None:
        """Back only while the original is whole: once its erasing began, the copy is the volume."""
        try:
            for name in self.names:
                self.origin.storage.gib(name)
        except NotFound:
            say("原卷已开始清除，保留新位置 the original is being erased: the new place stays")
            return
        self._place(self.origin)

    def erase(self, say: Say) -> None:
        for name in self.names:
            moved = Volumed.of(self.site, name)
            volumes.erase_with_evidence(moved, self.origin.storage, self.action.source_node, say)
        self.site.report(volume=self.names[0], storage=self.action.storage, node=self.action.node)

    def _place(self, end: End) -> None:
        """Record where the volumes lie, and define the machine that has them anew."""

        def work(session: Session) -> None:
            for name in self.names:
                row = session.get(Volume, name)
                if row is not None:
                    row.storage, row.node, row.version = end.name, end.node, row.version + 1
                    row.path = str(end.storage.source(name))
                    row.parent = row.parent if end == self.origin else ""
            vm = session.get(Vm, self.action.vm_id) if len(self.names) > 1 else None
            if vm is not None:
                vm.storage, vm.version = end.name, vm.version + 1

        self.site.change(work)
        if self.action.vm_id:
            Machine.of(self.site, self.action.vm_id).define()

    def _lies_at(self, end: End) -> bool:
        row = Volumed.of(self.site, self.action.volume_id).row
        return (row.storage, row.node) == (end.name, end.node)

    def _off(self) -> None:
        volume = Volumed.of(self.site, self.action.volume_id)
        if volume.on(self.action.vm_id):
            power = volume.engine(self.action.vm_id).state(self.action.vm_id)
            raise VmWrongPower(name=self.action.vm_id, power=power.value, wanted="stopped 已关机")

    def _carry(self, name: str, say: Say) -> None:
        """Between two nodes' own storages: one whole file of it is made, carried over, taken in."""
        flat, carried = self._waypoints(name)
        origin, target = self.origin, self.target
        source = self.site.node(origin.node).host
        argv = ["qemu-img", "convert", "-O", "qcow2", *opening(origin.storage.locator(name)), flat]
        source.run(argv, timeout=LONG)
        host = self.site.node(target.node).host
        relay(source, flat, host, carried, _tenths(say, name))
        target.storage.copy(name, carried, lambda _part: None)

    def _carried_well(self, name: str) -> bool:
        flat, carried = self._waypoints(name)
        hosts = (self.site.node(self.origin.node).host, self.site.node(self.target.node).host)
        sums = [
            host.run(["sha256sum", "--", file], timeout=LONG).text.split()[0]
            for host, file in zip(hosts, (flat, carried), strict=True)
        ]
        same = self.origin.storage.same(name, flat) and self.target.storage.same(name, carried)
        return same and sums[0] == sums[1]

    def _waypoints(self, name: str) -> tuple[str, str]:
        owner, _, kind = name.partition("/")
        ends = (self.site.node(end.node).storage for end in (self.origin, self.target))
        first, second = (str(end.console(owner).with_name(f".moving-{kind}")) for end in ends)
        return first, second

    def _sweep(self, name: str) -> None:
        if not (self.origin.node and self.target.node):
            return
        for end, file in zip((self.origin, self.target), self._waypoints(name), strict=True):
            self.site.node(end.node).storage.scrap(Path(file))


def _tenths(say: Say, name: str) -> Callable[[float], None]:
    told = [0]

    def tell(part: float) -> None:
        if int(part * 10) > told[0]:
            told[0] = int(part * 10)
            say(f"{name}: {told[0] * 10} %")

    return tell
