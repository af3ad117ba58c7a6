"""Volumes as files in one folder of a node: qcow2 linked clones and small ISO images, one folder per owner."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance import clock
from appliance.host import Host
from controller.drivers import iso, places
from controller.drivers.carrying import carry, lay
from controller.drivers.folder import LONG, Folder, missing, new
from controller.drivers.storage import (
    Capacity,
    Erased,
    FileSource,
    StorageAbility,
    Tell,
    VolumeInUse,
)

_ERASED = ".erased-"  # a folder being removed; its name says so if the power goes meanwhile
_IMAGES = ".images"
_ALONE = "/data"  # what such a volume's owner is: the volume itself, nothing else in its folder
_QCOW2 = b"QFI\xfb"
_CREATE = ("qemu-img", "create", "-q", "-f", "qcow2")


class DirStorage:
    """The `dir` storage. `images` are files that are part of the box itself, by name.

    All is done through `host`: a node's own folder is the same here and over SSH. `ceiling` is the part
    of the file system, in percent, above which nothing is made: the node's records, logs and journals
    lie on it too, and a full one would stop them all.
    """

    name = "dir"
    abilities = frozenset({StorageAbility.CLONE, StorageAbility.SNAPSHOT, StorageAbility.GROW})

    def __init__(
        self,
        root: Path,
        host: Host,
        images: Mapping[str, Path] | None = None,
        *,
        ceiling: int = 85,
    ) -> None:
        self._root = root
        self._host = host
        self._own = dict(images or {})
        self._folder = Folder(root, host, self.name, ceiling)

    def at(self, host: Host) -> "DirStorage":
        """See `StorageDriver.at`: a node's own folder stays that node's."""
        del host
        return self

    def take_image(self, image: str, file: Path, tell: Tell) -> None:
        """See `StorageDriver.take_image`."""
        final = self._image(image)
        if image in self._own or self._folder.there(final):
            return
        self._folder.ensure(final.parent)
        with self._folder.making(final):
            carry(self._host, file, str(new(final)), tell)
            if not _is_qcow2(file):
                flat = new(final).with_suffix(".raw")
                self._host.run(["mv", "-T", "--", str(new(final)), str(flat)])
                argv = [
                    "qemu-img",
                    "convert",
                    "-f",
                    "raw",
                    "-O",
                    "qcow2",
                    str(flat),
                    str(new(final)),
                ]
                self._folder.run(argv, image, "convert", limit=LONG)
                self._host.run(["rm", "-f", "--", str(flat)])
        self._folder.finish(final, "0444")

    def drop_image(self, image: str) -> None:
        """See `StorageDriver.drop_image`."""
        self._folder.unneeded([self._image(image)], image)
        if image not in self._own:
            self._host.run(["rm", "-f", "--", str(self._image(image))])

    def images(self) -> frozenset[str]:
        """See `StorageDriver.images`."""
        held = self._host.run(["ls", "-A", "--", str(self._root / _IMAGES)], check=False).text
        found = {Path(n).stem for n in held.split() if n.endswith(".qcow2") and n[0] != "."}
        return frozenset(found | set(self._own))

    def intact(self, image: str, file: Path, digest: str) -> bool:
        """See `StorageDriver.intact`. Only of qcow2 images: those are taken in as they are."""
        del file
        argv = ["sha256sum", "--", str(self._image(image))]
        return self._folder.run(argv, image, "check", limit=LONG).text.split()[0] == digest

    def clone(self, volume: str, image: str, gib: int) -> None:
        """See `StorageDriver.clone`."""
        base = self._image(image)
        if image not in self._own and not self._folder.there(base):
            raise missing(self.name, image)
        size = [f"{gib}G"] if gib else []
        self._overlay(volume, base, size, max(1, gib * 1024))

    def branch(self, volume: str, parent: str, snapshot: str) -> None:
        """See `StorageDriver.branch`.

        A snapshot inside a qcow2 file cannot be a backing file: it is copied out once, beside its
        volume and on the volume's own backing file, and every branch rests on that copy.
        """
        source, base = self._path(parent), self._base(parent, snapshot)
        if not self._folder.there(base):
            if snapshot not in self.snapshots(parent):
                raise missing(self.name, f"{parent}@{snapshot}")
            below = self._folder.facts(source, parent).get("full-backing-filename")
            shared = ["-B", str(below), "-F", "qcow2"] if below else []
            taken = places.reading(places.locator(str(source), snapshot))
            argv = ["qemu-img", "convert", "-O", "qcow2", *shared, *taken, str(new(base))]
            self._folder.make(base, argv, parent)
            self._host.run(["chmod", "0444", "--", str(base)])
        self._overlay(volume, base, [], 1)

    def unbranch(self, parent: str, snapshot: str) -> None:
        """See `StorageDriver.unbranch`."""
        base = self._base(parent, snapshot)
        with contextlib.suppress(VolumeInUse):
            if self._folder.there(base):
                self._folder.unneeded([base], parent)
                self._folder.overwrite([base], parent)

    def create(self, volume: str, gib: int) -> None:
        """See `StorageDriver.create`."""
        path = self._path(volume)
        self._folder.make(path, [*_CREATE, str(new(path)), f"{gib}G"], volume, gib * 1024)

    def write(self, volume: str, label: str, files: Mapping[str, bytes | Path]) -> None:
        """See `StorageDriver.write`."""
        path = self._path(volume)
        self._folder.ensure(path.parent)
        small = {name: data for name, data in files.items() if isinstance(data, bytes)}
        if len(small) == len(files):
            self._folder.put(path, iso.image(label, small))
            return
        with lay(self._host, path.parent, files) as scratch:
            self._host.run(["rm", "-f", "--", str(new(path))])
            self._host.run(places.iso(label, str(new(path)), scratch), timeout=300)
        self._folder.finish(path, "0600")

    def copy(self, volume: str, origin: str, tell: Tell) -> None:
        """See `StorageDriver.copy`."""
        path = self._path(volume)
        argv = ["qemu-img", "convert", "-O", _form(path), *places.reading(origin), str(new(path))]
        self._folder.make(path, argv, volume)
        tell(1.0)

    def same(self, volume: str, origin: str) -> bool:
        """See `StorageDriver.same`."""
        path = self._path(volume)
        argv = places.comparing(_form(path), str(path), origin)
        return self._host.run(argv, timeout=LONG, check=False).code == 0

    def source(self, volume: str) -> FileSource:
        """See `StorageDriver.source`."""
        path = self._path(volume)
        return FileSource(path, _form(path))

    def locator(self, volume: str, snapshot: str = "") -> str:
        """See `StorageDriver.locator`."""
        return places.locator(str(self._path(volume)), snapshot)

    def gib(self, volume: str) -> int:
        """See `StorageDriver.gib`."""
        return -(-int(self._facts(volume)["virtual-size"]) // 1024**3)

    def grow(self, volume: str, gib: int) -> None:
        """See `StorageDriver.grow`."""
        if self.gib(volume) < gib:
            self._qemu(volume, "enlarge", "resize", "-q", "-f", "qcow2", more=[f"{gib}G"])

    def snapshot(self, volume: str, name: str) -> None:
        """See `StorageDriver.snapshot`: of a volume that no running machine has open."""
        if places.plain(name) not in self.snapshots(volume):
            self._qemu(volume, "keep its state", "snapshot", "-c", name)

    def roll_back(self, volume: str, name: str) -> None:
        """See `StorageDriver.roll_back`."""
        if places.plain(name) not in self.snapshots(volume):
            raise missing(self.name, f"{volume}@{name}")
        self._qemu(volume, "roll back", "snapshot", "-a", name)

    def drop_snapshot(self, volume: str, name: str) -> None:
        """See `StorageDriver.drop_snapshot`."""
        if not self._folder.there(self._path(volume)):
            return
        base = self._base(volume, name)
        if self._folder.there(base):
            self._folder.unneeded([base], volume)
            self._folder.overwrite([base], volume)
        if name in self.snapshots(volume):
            self._qemu(volume, "forget a state", "snapshot", "-d", name)

    def snapshots(self, volume: str) -> tuple[str, ...]:
        """See `StorageDriver.snapshots`."""
        return tuple(str(kept["name"]) for kept in self._facts(volume).get("snapshots", ()))

    def erase(self, volume: str) -> Erased | None:
        """See `StorageDriver.erase`: the file's allocated bytes are overwritten where they lie."""
        began, path = clock.monotonic(), self._path(volume)
        files = [self._root / str(f["path"]) for f in self._folder.survey() if _is(f, path)]
        half = [f for f in files if f.name.endswith(".new")]
        held = [_final(f) for f in files if f not in half]
        self._folder.unneeded([*held, path], volume)
        if half:
            self._host.run(["rm", "-f", "--", *map(str, half)])
        written, verified = self._folder.overwrite(sorted(held, reverse=True), volume)
        if volume.endswith(_ALONE):  # a machine's folder stays: its console log is written there
            self._host.run(["rmdir", "--", str(path.parent)], check=False)
        if not held:
            return None
        seconds = clock.monotonic() - began
        return Erased(volume, "overwrite-file", written, seconds, verified=verified)

    def volumes(self) -> frozenset[str]:
        """See `StorageDriver.volumes`."""
        return frozenset(n for f in self._folder.survey() if (n := _volume(str(f["path"]))))

    def capacity(self) -> Capacity:
        """See `StorageDriver.capacity`: of the file system that the folder lies on."""
        files = self._folder.survey()
        return self._folder.capacity(sum(int(f["size"]) for f in files if _volume(str(f["path"]))))

    def console(self, vm_id: str) -> Path:
        """See `NodeStorage.console`."""
        folder = self._root / places.plain(vm_id)
        self._folder.ensure(folder)
        return folder / "console.log"

    def forget(self, vm_id: str) -> None:
        """See `NodeStorage.forget`. Renamed first: a volume half removed can never be started."""
        folder, gone = self._root / places.plain(vm_id), self._root / f"{_ERASED}{vm_id}"
        if self._folder.there(folder):
            self._host.run(["rm", "-rf", "--", str(gone)])
            self._host.run(["mv", "-T", "--", str(folder), str(gone)])
        found = self._host.run(["find", str(gone), "-type", "f", "-print0"], check=False).text
        self._folder.overwrite([Path(name) for name in found.split("\0") if name], vm_id)
        self._host.run(["rm", "-rf", "--", str(gone)])

    def scrap(self, file: Path) -> None:
        """See `NodeStorage.scrap`."""
        self._folder.overwrite([file], file.name)
        self._host.run(["rmdir", "--", str(file.parent)], check=False)

    def owners(self) -> frozenset[str]:
        """Return the ids of all that have anything here, half-erased ones too."""
        held = self._host.run(["ls", "-A", "--", str(self._root)], check=False).text.split("\n")
        return frozenset(n.removeprefix(_ERASED) for n in held if n and n != _IMAGES)

    def _overlay(self, volume: str, base: Path, size: list[str], wanted: int) -> None:
        path = self._path(volume)
        argv = [*_CREATE, "-F", "qcow2", "-b", str(base), str(new(path)), *size]
        self._folder.make(path, argv, volume, wanted)

    def _qemu(self, volume: str, what: str, *words: str, more: list[str] | None = None) -> None:
        argv = ["qemu-img", *words, str(self._path(volume)), *(more or [])]
        self._folder.run(argv, volume, what, limit=LONG)

    def _facts(self, volume: str) -> dict[str, Any]:
        return self._folder.facts(self._path(volume), volume)

    def _image(self, image: str) -> Path:
        return self._own.get(image, self._root / _IMAGES / f"{places.plain(image)}.qcow2")

    def _path(self, volume: str) -> Path:
        owner, kind = places.parts(volume)
        return self._root / owner / f"{kind}{'.iso' if kind in places.ISO else '.qcow2'}"

    def _base(self, volume: str, snapshot: str) -> Path:
        path = self._path(volume)
        return path.with_name(f"{path.stem}@{places.plain(snapshot)}.qcow2")


def _form(path: Path) -> str:
    return "raw" if path.suffix == ".iso" else "qcow2"


def _is_qcow2(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == _QCOW2


def _volume(path: str) -> str:
    """Return `OWNER/KIND` of a file of a volume, half-made and half-erased ones too; else ""."""
    owner, _, name = path.partition("/")
    owner = owner.removeprefix(_ERASED)
    kind, _, end = name.lstrip(".").partition(".")
    if owner.startswith(".") or end.partition(".")[0] not in ("qcow2", "iso"):
        return ""
    return f"{owner}/{kind.partition('@')[0]}"


def _final(path: Path) -> Path:
    """Return the name that a file which is being erased had."""
    return path.with_name(path.name.removeprefix(".").removesuffix(".erasing"))


def _is(file: dict[str, Any], path: Path) -> bool:
    return _volume(str(file["path"])) == f"{path.parent.name}/{path.stem}"
