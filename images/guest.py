"""The base image of module VMs: a small ext4 disk with its kernel beside it, cached by its recipe."""

import shutil
from pathlib import Path

from appliance.host import Host
from appliance.progress import Progress
from images import chroot, disk, inventory, recipe, record, root
from images.cache import Cache

KIND = "guest-base"
CMDLINE = "root=/dev/vda rw rootfstype=ext4 console=ttyS0 net.ifnames=0 fsck.mode=skip quiet"
FILES = ("disk.qcow2", "vmlinuz", "initrd.img")


def ensure(host: Host, cache: Cache, progress: Progress, *, fresh: bool = False) -> Path:
    """Return the folder with disk.qcow2, vmlinuz, initrd.img and image.json, building it if absent."""
    chosen = recipe.load("guest-base")
    key = chosen.digest()[:16]

    former = cache.latest(KIND)

    def build(folder: Path) -> None:
        top = folder / "root"
        with progress.step("guest.debian", "构建模块虚拟机基础系统", "building the guest's root"):
            root.make(host, chosen, top)
            chroot.run(host, top, ["sh", "-euc", root.units_script(chosen)])
        with progress.step("guest.disk", "生成模块虚拟机磁盘", "writing the guest's disk"):
            take_kernel(top, folder)
            disk.ext4(host, top, folder / "disk.qcow2", chosen.disk_mib)
        files = {name: folder / name for name in FILES}
        made = record.new(KIND, folder.name, inventory.debian(host, top))
        record.write(folder, record.with_files(made, files, parts={}, cmdline=CMDLINE))
        record.tell_changes(former, folder)
        shutil.rmtree(top)

    return cache.entry(KIND, key, build, fresh=fresh)


def take_kernel(top: Path, folder: Path) -> None:
    """Move kernel and initial RAM disk out of the root `top`: the hypervisor starts them directly."""
    for stem, name in (("vmlinuz", "vmlinuz"), ("initrd.img", "initrd.img")):
        found = sorted((top / "boot").glob(f"{stem}-*"))[-1]
        shutil.move(found, folder / name)
        (folder / name).chmod(0o644)  # QEMU reads it as its own user
        for link in (*top.glob(f"{stem}*"), *(top / "boot").glob(f"{stem}*")):
            link.unlink()
