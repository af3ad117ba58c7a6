"""Volumes as RBD images in Ceph, through the `rbd` command; every node reaches every one of them."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from appliance import clock
from appliance.host import Host, LocalHost
from controller.drivers import places
from controller.drivers.carrying import carry, lay
from controller.drivers.ceph_room import Room
from controller.drivers.rbd import LINGERS, LONG, Pool
from controller.drivers.rbd_erasing import overwrite
from controller.drivers.storage import (
    Capacity,
    Erased,
    NoSuchVolume,
    RbdSource,
    StorageAbility,
    StorageFull,
    Tell,
    VolumeInUse,
)

_BASE = "base"  # the protected snapshot of an image: what its clones rest on
_IMAGE, _NEW, _DOOMED = "image.", ".new", ".erasing"
_SCRATCH = Path("/var/tmp")  # noqa: S108 - only a folder of a random name is made in it


class RbdStorage:
    """The `rbd` storage: one pool, reached as one Ceph user. `host` is the node that does the work.

    A volume `OWNER/KIND` is the image `OWNER.KIND`, the image of a template `image.NAME@base`. Monitors
    and libvirt's secret are those of the node's own /etc/ceph/ceph.conf.
    """

    name = "rbd"
    abilities = frozenset(
        {StorageAbility.CLONE, StorageAbility.SNAPSHOT, StorageAbility.SHARED, StorageAbility.GROW}
    )

    def __init__(
        self, host: Host, pool: str = "hbox", user: str = "hbox", *, patience: float = LINGERS
    ) -> None:
        self._host = host
        self._patience = patience
        self._pool = Pool(host, pool, user, patience)
        self._room = Room(host, pool, user)

    def at(self, host: Host) -> "RbdStorage":
        """See `StorageDriver.at`."""
        made = RbdStorage(host, self._pool.name, self._pool.user, patience=self._patience)
        made._room = self._room  # one pool has one room, whoever asks
        return made

    def take_image(self, image: str, file: Path, tell: Tell) -> None:
        """See `StorageDriver.take_image`."""
        final = _IMAGE + _plain(image)
        if self._pool.info(final) is not None:
            return
        with self._near(file, tell) as place:
            form = "qcow2" if _is_qcow2(file) else "raw"
            self._import(final + _NEW, ["-f", form, place], image)
        base = self._pool.spec(final + _NEW, _BASE)
        self._pool.tell("snap", "create", "--no-progress", base)
        self._pool.tell("snap", "protect", base)
        self._pool.tell("rename", self._pool.spec(final + _NEW), self._pool.spec(final))
        tell(1.0)

    def drop_image(self, image: str) -> None:
        """See `StorageDriver.drop_image`."""
        for name in (_IMAGE + _plain(image) + _NEW, _IMAGE + _plain(image)):
            self._drop_whole(name, image)

    def images(self) -> frozenset[str]:
        """See `StorageDriver.images`."""
        found = (n.removeprefix(_IMAGE) for n in self._pool.names() if n.startswith(_IMAGE))
        return frozenset(name for name in found if not name.endswith(_NEW))

    def intact(self, image: str, file: Path, digest: str) -> bool:
        """See `StorageDriver.intact`: compared with the file, block for block."""
        del digest
        place = places.locator(self._pool.place(_IMAGE + _plain(image)), _BASE)
        with self._near(file, lambda _part: None) as near:
            form = "qcow2" if _is_qcow2(file) else "raw"
            *_, snapshot = places.reading(place)
            argv = ["qemu-img", "compare", "-q", "-f", form, "-F", "raw", near, snapshot]
            return self._host.run(argv, timeout=LONG, check=False).code == 0

    def clone(self, volume: str, image: str, gib: int) -> None:
        """See `StorageDriver.clone`."""
        self._need(gib)
        self._branch(volume, _IMAGE + _plain(image), _BASE, image, gib)

    def branch(self, volume: str, parent: str, snapshot: str) -> None:
        """See `StorageDriver.branch`."""
        held = {one["name"]: one for one in self._pool.snapshots(_image(parent), parent)}
        if snapshot not in held:
            raise NoSuchVolume(storage=self.name, name=f"{parent}@{snapshot}")
        if str(held[snapshot].get("protected")) != "true":
            self._pool.tell("snap", "protect", self._pool.spec(_image(parent), snapshot))
        self._branch(volume, _image(parent), snapshot, parent, 0)

    def unbranch(self, parent: str, snapshot: str) -> None:
        """See `StorageDriver.unbranch`: a clone rests on the snapshot itself."""

    def create(self, volume: str, gib: int) -> None:
        """See `StorageDriver.create`."""
        final = _image(volume)
        self._need(gib)
        self._fresh(final + _NEW)
        self._pool.tell("create", "--size", f"{gib}G", self._pool.spec(final + _NEW))
        self._pool.rename(final + _NEW, final)

    def write(self, volume: str, label: str, files: Mapping[str, bytes | Path]) -> None:
        """See `StorageDriver.write`."""
        final = _image(volume)
        with lay(self._host, _SCRATCH, files) as scratch:
            iso = f"{scratch}.iso"
            try:
                self._host.run(places.iso(label, iso, scratch), timeout=300)
                self._fresh(final + _NEW)
                new = self._pool.spec(final + _NEW)
                self._pool.tell("import", "--no-progress", iso, new, volume=volume, limit=600)
            finally:
                self._host.run(["rm", "-f", "--", iso], check=False)
        self._pool.drop(final)
        self._pool.rename(final + _NEW, final)

    def copy(self, volume: str, origin: str, tell: Tell) -> None:
        """See `StorageDriver.copy`."""
        final = _image(volume)
        if self._pool.info(final) is None:
            self._need(1)
            self._import(final + _NEW, places.reading(origin), volume)
            self._pool.rename(final + _NEW, final)
        tell(1.0)

    def same(self, volume: str, origin: str) -> bool:
        """See `StorageDriver.same`."""
        argv = places.comparing("raw", self._pool.place(_image(volume)), origin)
        return self._host.run(argv, timeout=LONG, check=False).code == 0

    def source(self, volume: str) -> RbdSource:
        """See `StorageDriver.source`."""
        return self._pool.source(_image(volume))

    def locator(self, volume: str, snapshot: str = "") -> str:
        """See `StorageDriver.locator`."""
        return places.locator(self._pool.place(_image(volume)), snapshot)

    def gib(self, volume: str) -> int:
        """See `StorageDriver.gib`."""
        facts = self._pool.ask("info", self._pool.spec(_image(volume)), volume=volume)
        return -(-int(facts["size"]) // 1024**3)

    def grow(self, volume: str, gib: int) -> None:
        """See `StorageDriver.grow`."""
        has = self.gib(volume)
        if has < gib:
            self._need(gib - has)
            self._resize(_image(volume), gib)

    def snapshot(self, volume: str, name: str) -> None:
        """See `StorageDriver.snapshot`: also of a volume that a running machine has open."""
        if places.plain(name) not in self.snapshots(volume):
            spec = self._pool.spec(_image(volume), name)
            self._pool.tell("snap", "create", "--no-progress", spec, volume=volume)

    def roll_back(self, volume: str, name: str) -> None:
        """See `StorageDriver.roll_back`."""
        if places.plain(name) not in self.snapshots(volume):
            raise NoSuchVolume(storage=self.name, name=f"{volume}@{name}")
        self._pool.unopened(_image(volume), volume)
        spec = self._pool.spec(_image(volume), name)
        self._pool.tell("snap", "rollback", "--no-progress", spec, volume=volume, limit=LONG)

    def drop_snapshot(self, volume: str, name: str) -> None:
        """See `StorageDriver.drop_snapshot`."""
        if self._pool.info(_image(volume)) is not None:
            self._pool.drop_snapshot(_image(volume), places.plain(name), volume)

    def snapshots(self, volume: str) -> tuple[str, ...]:
        """See `StorageDriver.snapshots`."""
        return tuple(str(one["name"]) for one in self._pool.snapshots(_image(volume), volume))

    def erase(self, volume: str) -> Erased | None:
        """See `StorageDriver.erase`: the image's own objects are overwritten; then it is removed.

        What only snapshots kept is released by Ceph and not overwritten.
        """
        began, image = clock.monotonic(), _image(volume)
        doomed = image + _DOOMED
        self._drop_whole(image + _NEW, volume)
        if self._pool.info(image) is not None:
            self._drop_snapshots(image, volume)
            self._pool.unopened(image, volume)
            self._pool.tell("rename", self._pool.spec(image), self._pool.spec(doomed))
        if self._pool.info(doomed) is None:
            return None
        written, verified = overwrite(self._pool, doomed, volume)
        self._pool.drop(doomed)
        seconds = clock.monotonic() - began
        return Erased(volume, "overwrite-image", written, seconds, verified=verified)

    def volumes(self) -> frozenset[str]:
        """See `StorageDriver.volumes`."""
        held = (n for n in self._pool.names() if not n.startswith(_IMAGE))
        bare = (n.removesuffix(_NEW).removesuffix(_DOOMED).split(".") for n in held)
        return frozenset("/".join(parts) for parts in bare if len(parts) == 2)

    def capacity(self) -> Capacity:
        """See `StorageDriver.capacity`; `promised` is 0: asking each image would take seconds."""
        return self._room.capacity()

    def _branch(self, volume: str, parent: str, snapshot: str, name: str, gib: int) -> None:
        final = _image(volume)
        origin, new = self._pool.spec(parent, snapshot), self._pool.spec(final + _NEW)
        if self._pool.tried("clone", origin, new).code != 0:
            # A half-made clone of before, or a refusal, which the second time is told.
            if self._pool.info(final) is not None:
                return
            self._fresh(final + _NEW)
            self._pool.tell("clone", origin, new, volume=name)
        if gib:
            self._resize(final + _NEW, gib)
        self._pool.rename(final + _NEW, final)

    def _resize(self, image: str, gib: int) -> None:
        """Enlarge, at once: only a refusal is looked into, since one that is larger is no error."""
        words = ("resize", "--no-progress", "--size", f"{gib}G", self._pool.spec(image))
        if self._pool.tried(*words).code != 0:
            facts = self._pool.info(image)
            if facts is None or int(facts["size"]) < gib * 1024**3:
                self._pool.tell(*words, volume=image)

    def _import(self, image: str, reading: list[str], volume: str) -> None:
        self._fresh(image)
        # Several pieces at once, in any order: an RBD image is many objects.
        argv = [
            "qemu-img",
            "convert",
            "-W",
            "-m",
            "8",
            "-O",
            "raw",
            *reading,
            self._pool.place(image),
        ]
        self._pool.run(argv, volume, "copy", LONG)

    def _fresh(self, image: str) -> None:
        self._drop_whole(image, image)

    def _drop_whole(self, image: str, volume: str) -> None:
        if self._pool.info(image) is not None:
            self._drop_snapshots(image, volume)
            self._pool.drop(image)

    def _drop_snapshots(self, image: str, volume: str) -> None:
        for kept in self._pool.snapshots(image, volume):
            if children := self._pool.children(image, str(kept["name"])):
                raise VolumeInUse(name=volume, why=f"{', '.join(children)} 以其为底 rests on it")
        for kept in self._pool.snapshots(image, volume):
            self._pool.drop_snapshot(image, str(kept["name"]), volume)

    def _need(self, gib: int) -> None:
        left = self._room.left()
        if gib * 1024 > left:
            raise StorageFull(storage=self.name, wanted=gib * 1024, left=max(0, left))

    @contextlib.contextmanager
    def _near(self, file: Path, tell: Tell) -> Iterator[str]:
        """Give the path of `file` on the node that does the work."""
        if isinstance(self._host, LocalHost):
            yield str(file)
            return
        with lay(self._host, _SCRATCH, {}) as scratch:
            carry(self._host, file, f"{scratch}/image", tell)
            yield f"{scratch}/image"


def _plain(image: str) -> str:
    return places.plain(image)


def _image(volume: str) -> str:
    return ".".join(places.parts(volume))


def _is_qcow2(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"QFI\xfb"
