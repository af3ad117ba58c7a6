"""Volumes as files in one folder of a node: qcow2 linked clones and small ISO images, one folder per owner."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from appliance import clock
from appliance.errors import BadInput
from appliance.host import Host
from controller.drivers.storage import Erased, FileSource, NoSuchVolume, StorageAbility

_ERASED = ".erased-"  # a folder being removed; its name says so if the power goes meanwhile
_ISO = frozenset({"seed", "module"})


class DirStorage:
    """The `dir` storage. `images` are files that are part of the box itself, by name."""

    name = "dir"
    abilities = frozenset({StorageAbility.CLONE})

    def __init__(self, root: Path, host: Host, images: Mapping[str, Path] | None = None) -> None:
        self._root = root
        self._host = host
        self._images = dict(images or {})

    def clone(self, volume: str, image: str, gib: int) -> None:
        """See `StorageDriver.clone`."""
        path = self._place(volume)
        if path.exists():
            return
        if image not in self._images:
            raise NoSuchVolume(storage=self.name, name=image)
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        base = ["-F", "qcow2", "-b", str(self._images[image])]
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", *base, str(fresh)]
        self._host.run([*argv, f"{gib}G"] if gib else argv)
        fresh.replace(path)

    def write(self, volume: str, label: str, files: Mapping[str, bytes | Path]) -> None:
        """See `StorageDriver.write`."""
        path = self._place(volume)
        fresh = path.with_name(f".{path.name}.new")
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".image-") as scratch:
            for inner, content in files.items():
                _lay(Path(scratch) / _plain(inner), content)
            fresh.unlink(missing_ok=True)
            options = ["-quiet", "-volid", label, "-joliet", "-rational-rock"]
            argv = ["xorriso", "-as", "mkisofs", *options, "-output", str(fresh), scratch]
            self._host.run(argv, timeout=300)
        fresh.chmod(0o600)
        fresh.replace(path)

    def source(self, volume: str) -> FileSource:
        """See `StorageDriver.source`."""
        path = self._path(volume)
        return FileSource(path, "raw" if path.suffix == ".iso" else "qcow2")

    def erase(self, volume: str) -> Erased | None:
        """See `StorageDriver.erase`."""
        began, path = clock.monotonic(), self._path(volume)
        if not path.exists():
            return None
        size = path.stat().st_size
        path.unlink()
        return Erased(volume, "unlink", size, clock.monotonic() - began, verified=False)

    def volumes(self) -> frozenset[str]:
        """See `StorageDriver.volumes`."""
        files = [f for f in self._root.glob("*/*") if f.suffix in {".iso", ".qcow2", ".new"}]
        return frozenset(f"{f.parent.name}/{f.stem}" for f in files)

    def console(self, vm_id: str) -> Path:
        """See `NodeStorage.console`."""
        return self._folder(vm_id) / "console.log"

    def forget(self, vm_id: str) -> None:
        """See `NodeStorage.forget`. Renamed first: a volume half removed can never be started."""
        folder = self._root / _plain(vm_id)
        doomed = self._root / f"{_ERASED}{vm_id}"
        if doomed.exists():
            shutil.rmtree(doomed)
        if folder.exists():
            folder.rename(doomed)
            shutil.rmtree(doomed)

    def owners(self) -> frozenset[str]:
        """Return the ids of all that have anything here, half-erased ones too."""
        if not self._root.exists():
            return frozenset()
        return frozenset(entry.name.removeprefix(_ERASED) for entry in self._root.iterdir())

    def _path(self, volume: str) -> Path:
        owner, _, kind = volume.partition("/")
        return self._root / _plain(owner) / f"{_plain(kind)}{'.iso' if kind in _ISO else '.qcow2'}"

    def _place(self, volume: str) -> Path:
        self._folder(volume.partition("/")[0])
        return self._path(volume)

    def _folder(self, owner: str) -> Path:
        folder = self._root / _plain(owner)
        folder.mkdir(parents=True, exist_ok=True)
        # Whatever the umask: QEMU's own user passes through, and reads nothing else.
        folder.chmod(0o711)
        return folder


def _plain(name: str) -> str:
    # Names come from rows; none may leave its folder.
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise BadInput(what="volume", why=f"not a plain name: {name!r}")
    return name


def _lay(target: Path, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        target.write_bytes(content)
    else:
        shutil.copyfile(content, target)
