"""Volumes as files in one folder: qcow2 linked clones and small ISO images, one folder per VM."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from appliance.errors import BadInput
from appliance.host import Host
from controller.drivers.base import Ability

_ERASED = ".erased-"  # a folder being removed; its name says so if the power goes meanwhile


class DirStorage:
    """The `dir` pool. Erasing unlinks; it does not yet overwrite blocks (剩余信息保护 to come)."""

    name = "dir"
    abilities = frozenset({Ability.CLONE})

    def __init__(self, root: Path, host: Host) -> None:
        self._root = root
        self._host = host

    def system(self, vm_id: str, base: Path, gib: int) -> Path:
        """See `StorageDriver.system`. A half-made file never carries the final name."""
        path = self._folder(vm_id) / "system.qcow2"
        if path.exists():
            return path
        fresh = path.with_name(".system.qcow2.new")
        fresh.unlink(missing_ok=True)
        argv = [
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-F",
            "qcow2",
            "-b",
            str(base),
            str(fresh),
        ]
        self._host.run([*argv, f"{gib}G"] if gib else argv)
        fresh.replace(path)
        return path

    def image(self, vm_id: str, name: str, label: str, files: Mapping[str, bytes | Path]) -> Path:
        """See `StorageDriver.image`. Made afresh each time, so its content is what was asked for."""
        path = self._folder(vm_id) / f"{_plain(name)}.iso"
        fresh = path.with_name(f".{path.name}.new")
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".image-") as scratch:
            for inner, content in files.items():
                _place(Path(scratch) / _plain(inner), content)
            fresh.unlink(missing_ok=True)
            options = ["-quiet", "-volid", label, "-joliet", "-rational-rock"]
            argv = ["xorriso", "-as", "mkisofs", *options, "-output", str(fresh), scratch]
            self._host.run(argv, timeout=300)
        fresh.chmod(0o600)
        fresh.replace(path)
        return path

    def console(self, vm_id: str) -> Path:
        """See `StorageDriver.console`."""
        return self._folder(vm_id) / "console.log"

    def drop(self, vm_id: str, name: str) -> None:
        """See `StorageDriver.drop`."""
        (self._root / _plain(vm_id) / f"{_plain(name)}.iso").unlink(missing_ok=True)

    def erase(self, vm_id: str) -> None:
        """See `StorageDriver.erase`. Renamed first: a volume half removed can never be started."""
        folder = self._root / _plain(vm_id)
        doomed = self._root / f"{_ERASED}{vm_id}"
        if doomed.exists():
            shutil.rmtree(doomed)
        if folder.exists():
            folder.rename(doomed)
            shutil.rmtree(doomed)

    def owners(self) -> frozenset[str]:
        """See `StorageDriver.owners`."""
        if not self._root.exists():
            return frozenset()
        return frozenset(entry.name.removeprefix(_ERASED) for entry in self._root.iterdir())

    def _folder(self, vm_id: str) -> Path:
        folder = self._root / _plain(vm_id)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(
            0o711
        )  # whatever the umask: QEMU's own user passes through, and reads nothing else
        return folder


def _plain(name: str) -> str:
    # Names come from rows; none may leave its folder.
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise BadInput(what="volume", why=f"not a plain name: {name!r}")
    return name


def _place(target: Path, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        target.write_bytes(content)
    else:
        shutil.copyfile(content, target)
