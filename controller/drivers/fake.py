"""A hypervisor of files for tests: its VMs survive the death of the process, as real ones do."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance import chance, clock
from controller.drivers import fake_moving
from controller.drivers.base import (
    Ability,
    Disk,
    EngineFailed,
    GuestResult,
    Link,
    Moved,
    NoSuchVm,
    NotRunning,
    Power,
    Seen,
    Serial,
    Stats,
    Target,
    VmSpec,
)
from controller.drivers.domain_xml import source_name
from controller.drivers.fake_lines import Echo, Screen


@dataclass(frozen=True)
class Known:
    """One VM as its file says: the definition, what runs of it now, and what happened to it."""

    shape: Seen
    max_vcpus: int
    max_memory_mib: int
    screen: str
    power: Power = Power.STOPPED
    live: Seen | None = None
    since: str = ""
    frozen: bool = False
    gib: Mapping[str, int] = field(default_factory=dict)


class FakeHypervisor:
    """One JSON file per VM under `root`, a folder named like the node.

    Its guests answer every program with success. It moves VMs to its neighbours `fake://NODE` (folders
    beside its own), each within `crossing` seconds.
    """

    name = "fake"
    abilities = frozenset(Ability)

    def __init__(self, root: Path, *, crossing: float = 0.0) -> None:
        self._root = root
        self._crossing = crossing
        self._lock = threading.RLock()
        self._lines: dict[str, Echo] = {}
        self._screens: dict[str, Screen] = {}
        root.mkdir(parents=True, exist_ok=True)

    def define(self, spec: VmSpec) -> None:
        """See `HypervisorDriver.define`."""
        shape = Seen(
            spec.name,
            spec.vcpus,
            spec.memory_mib,
            tuple(disk.serial for disk in spec.disks),
            tuple(link.mac for link in spec.links),
            sources=tuple(source_name(disk.source) for disk in spec.disks),
            bridges=tuple(link.bridge for link in spec.links),
        )
        screen = str(self._root / f"{spec.id}.vnc") if spec.screen else ""
        fresh = Known(shape, spec.max_vcpus, spec.max_memory_mib, screen)
        with self._lock:
            if self._file(spec.id).exists():
                old = self._read(spec.id)
                fresh = replace(fresh, power=old.power, live=old.live, since=old.since)
            self._write(spec.id, fresh)

    def undefine(self, vm_id: str) -> None:
        """See `HypervisorDriver.undefine`."""
        self.cancel_migration(vm_id)
        self._hang_up(vm_id)
        self._file(vm_id).unlink(missing_ok=True)

    def start(self, vm_id: str) -> None:
        """See `HypervisorDriver.start`."""

        def work(known: Known) -> Known:
            if known.power is not Power.STOPPED:
                return known
            return replace(known, power=Power.RUNNING, live=known.shape, since=clock.iso())

        self._change(vm_id, work)

    def stop(self, vm_id: str, *, force: bool = False, patience: float = 90.0) -> None:
        """See `HypervisorDriver.stop`."""
        del force, patience
        if self.state(vm_id) is not Power.ABSENT:
            self._hang_up(vm_id)
            self._change(
                vm_id, lambda known: replace(known, power=Power.STOPPED, live=None, frozen=False)
            )

    def state(self, vm_id: str) -> Power:
        """See `HypervisorDriver.state`."""
        fake_moving.settle_all(self._root)
        try:
            return self._read(vm_id).power
        except NoSuchVm:
            return Power.ABSENT

    def states(self) -> Mapping[str, Power]:
        """See `HypervisorDriver.states`."""
        fake_moving.settle_all(self._root)
        found = {file.stem: self.state(file.stem) for file in self._root.glob("*.json")}
        return {vm: power for vm, power in found.items() if power is not Power.ABSENT}

    def pause(self, vm_id: str) -> None:
        """See `HypervisorDriver.pause`."""
        self._change(vm_id, lambda known: replace(_on(vm_id, known), power=Power.PAUSED))

    def resume(self, vm_id: str) -> None:
        """See `HypervisorDriver.resume`."""
        self._change(vm_id, lambda known: replace(_on(vm_id, known), power=Power.RUNNING))

    def reset(self, vm_id: str) -> None:
        """See `HypervisorDriver.reset`."""
        self._change(vm_id, lambda known: replace(_on(vm_id, known), since=clock.iso()))

    def resize(self, vm_id: str, vcpus: int, memory_mib: int) -> bool:
        """See `HypervisorDriver.resize`."""

        def work(known: Known) -> Known:
            sized = replace(known.shape, vcpus=vcpus, memory_mib=memory_mib)
            fits = vcpus <= known.max_vcpus and memory_mib <= known.max_memory_mib
            live = known.live
            if live is not None and fits:
                live = replace(live, vcpus=vcpus, memory_mib=memory_mib)
            return replace(known, shape=sized, live=live)

        live = self._change(vm_id, work).live
        return live is None or (live.vcpus, live.memory_mib) == (vcpus, memory_mib)

    def attach(self, vm_id: str, disk: Disk, *, keep: bool = False) -> None:
        """See `HypervisorDriver.attach`."""

        def work(known: Known) -> Known:
            live = None if keep and known.live is None else _on(vm_id, known).live
            shape = _with_disk(known.shape, disk) if keep else known.shape
            return replace(known, shape=shape, live=live and _with_disk(live, disk))

        self._change(vm_id, work)

    def detach(self, vm_id: str, serial: str) -> None:
        """See `HypervisorDriver.detach`."""
        self._drop(vm_id, lambda shape: _without_disk(shape, serial))

    def enlarge(self, vm_id: str, serial: str, gib: int) -> None:
        """See `HypervisorDriver.enlarge`."""

        def work(known: Known) -> Known:
            live = _on(vm_id, known).live
            if live is None or serial not in live.disks:
                raise EngineFailed(what="enlarge a disk", why=f"no disk {serial}")
            return replace(known, gib={**known.gib, serial: max(gib, known.gib.get(serial, 0))})

        self._change(vm_id, work)

    def plug(self, vm_id: str, link: Link) -> None:
        """See `HypervisorDriver.plug`."""
        self._drop(vm_id, lambda shape: _with_link(shape, link), absent_is_fine=False)

    def unplug(self, vm_id: str, mac: str) -> None:
        """See `HypervisorDriver.unplug`."""
        self._drop(vm_id, lambda shape: _without_link(shape, mac))

    def migrate(self, vm_id: str, target: Target, tell: Callable[[float], None]) -> Moved:
        """See `HypervisorDriver.migrate`."""
        began = clock.monotonic()
        goal = fake_moving.goal_of(self._root, target)
        known = _on(vm_id, self._read(vm_id))
        crossing = fake_moving.Crossing(vm_id, self._root, goal)
        crossing.begin(self._crossing)
        while (part := crossing.part()) is not None:
            tell(part)
            crossing.settle()
            if part < 1.0:
                fake_moving.wait()
        if self._file(vm_id).exists():
            raise EngineFailed(what="migrate", why="canceled by client")
        self._hang_up(vm_id)
        spent = round((clock.monotonic() - began) * 1000)
        return Moved(spent, min(spent, 20), known.shape.memory_mib, encrypted=True)

    def cancel_migration(self, vm_id: str) -> None:
        """See `HypervisorDriver.cancel_migration`."""
        crossing = fake_moving.outgoing(self._root, vm_id)
        if crossing is not None:
            crossing.cancel()

    def freeze(self, vm_id: str) -> bool:
        """See `HypervisorDriver.freeze`."""
        if self.state(vm_id) is not Power.RUNNING:
            return False
        self._change(vm_id, lambda known: replace(known, frozen=True))
        return True

    def thaw(self, vm_id: str) -> None:
        """See `HypervisorDriver.thaw`."""
        if self.state(vm_id) is not Power.ABSENT:
            self._change(vm_id, lambda known: replace(known, frozen=False))

    def seen(self, vm_id: str) -> Seen | None:
        """See `HypervisorDriver.seen`."""
        if self.state(vm_id) is Power.ABSENT:
            return None
        known = self._read(vm_id)
        why = "user" if known.power is Power.PAUSED else ""
        return replace(known.shape, live=known.live, paused=why)

    def stats(self) -> Mapping[str, Stats]:
        """See `HypervisorDriver.stats`."""
        running = [vm for vm, power in self.states().items() if power is not Power.STOPPED]
        return {vm: _stats(self._read(vm)) for vm in running}

    def screen(self, vm_id: str) -> str:
        """See `HypervisorDriver.screen`."""
        said = _on(vm_id, self._read(vm_id)).screen
        if not said:
            raise EngineFailed(what="show the screen", why="it has none")
        path = Path(said)
        with self._lock:
            if vm_id not in self._screens:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._screens[vm_id] = Screen(path)
        return str(path)

    def serial(self, vm_id: str) -> Serial:
        """See `HypervisorDriver.serial`."""
        _on(vm_id, self._read(vm_id))
        with self._lock:
            if vm_id in self._lines:
                self._lines[vm_id].close()
            self._lines[vm_id] = Echo()
            return self._lines[vm_id]

    def ping(self, vm_id: str) -> bool:
        """See `HypervisorDriver.ping`."""
        return self.state(vm_id) is Power.RUNNING

    def run(
        self, vm_id: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0
    ) -> GuestResult:
        """See `HypervisorDriver.run`. Echoes `stdin`."""
        del argv, timeout
        if self._read(vm_id).power is not Power.RUNNING:
            raise NotRunning(name=vm_id)
        return GuestResult(0, stdin, b"")

    def is_frozen(self, vm_id: str) -> bool:
        """Whether the guest holds its file systems still (for tests)."""
        return self._read(vm_id).frozen

    def _drop(
        self, vm_id: str, work: Callable[[Seen], Seen], *, absent_is_fine: bool = True
    ) -> None:
        if absent_is_fine and self.state(vm_id) is Power.ABSENT:
            return
        self._change(
            vm_id,
            lambda known: replace(
                known, shape=work(known.shape), live=known.live and work(known.live)
            ),
        )

    def _hang_up(self, vm_id: str) -> None:
        with self._lock:
            line, screen = self._lines.pop(vm_id, None), self._screens.pop(vm_id, None)
        if line is not None:
            line.close()
        if screen is not None:
            screen.close()

    def _change(self, vm_id: str, work: Callable[[Known], Known]) -> Known:
        with self._lock:
            fake_moving.settle_all(self._root)
            known = work(self._read(vm_id))
            self._write(vm_id, known)
            return known

    def _file(self, vm_id: str) -> Path:
        return self._root / f"{vm_id}.json"

    def _read(self, vm_id: str) -> Known:
        try:
            raw = json.loads(self._file(vm_id).read_text("utf-8"))
        except FileNotFoundError as error:
            raise NoSuchVm(name=vm_id) from error
        shapes = {key: raw[key] and _shape(raw[key]) for key in ("shape", "live")}
        return Known(**{**raw, **shapes, "power": Power(raw["power"])})

    def _write(self, vm_id: str, known: Known) -> None:
        fresh = self._root / f".{vm_id}.{chance.raw(4).hex()}"
        fresh.write_text(json.dumps(asdict(known)), "utf-8")
        fresh.replace(self._file(vm_id))


def _on(vm_id: str, known: Known) -> Known:
    if known.live is None:
        raise NotRunning(name=vm_id)
    return known


def _shape(raw: dict[str, Any]) -> Seen:
    return Seen(
        name=raw["name"],
        vcpus=raw["vcpus"],
        memory_mib=raw["memory_mib"],
        disks=tuple(raw["disks"]),
        links=tuple(raw["links"]),
        sources=tuple(raw["sources"]),
        bridges=tuple(raw["bridges"]),
    )


def _with_disk(seen: Seen, disk: Disk) -> Seen:
    if disk.serial in seen.disks:
        return seen
    sources = (*seen.sources, source_name(disk.source))
    return replace(seen, disks=(*seen.disks, disk.serial), sources=sources)


def _without_disk(seen: Seen, serial: str) -> Seen:
    left = [i for i, known in enumerate(seen.disks) if known != serial]
    disks, sources = (tuple(column[i] for i in left) for column in (seen.disks, seen.sources))
    return replace(seen, disks=disks, sources=sources)


def _with_link(seen: Seen, link: Link) -> Seen:
    if link.mac in seen.links:
        return seen
    return replace(seen, links=(*seen.links, link.mac), bridges=(*seen.bridges, link.bridge))


def _without_link(seen: Seen, mac: str) -> Seen:
    left = [i for i, known in enumerate(seen.links) if known != mac]
    links, bridges = (tuple(column[i] for i in left) for column in (seen.links, seen.bridges))
    return replace(seen, links=links, bridges=bridges)


def _stats(known: Known) -> Stats:
    spent = (clock.now() - clock.read_iso(known.since)).total_seconds()
    return Stats(max(0.0, spent), known.shape.memory_mib, 4096, 8192, 1024, 2048)
