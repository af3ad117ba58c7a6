"""What a storage must be able to do: images, volumes, snapshots, erasing with evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from appliance.errors import Conflict, Failed, NotFound, Text, Unavailable
from appliance.host import Host

Tell = Callable[[float], None]
"""Is told how far a long work has come, 0.0 to 1.0; called often, must be quick."""


class StorageAbility(StrEnum):
    """What a storage may offer beyond the bare minimum; workers ask for these, never for names."""

    CLONE = "clone"  # a volume shares the blocks of its image or of another volume's snapshot
    SNAPSHOT = "snapshot"
    SHARED = "shared"  # every node reaches every volume: a machine can move without its disks
    GROW = "grow"


@dataclass(frozen=True)
class FileSource:
    """A volume as QEMU opens it: a file on the node; `format` raw or qcow2."""

    path: Path
    format: str = "qcow2"


@dataclass(frozen=True)
class RbdSource:
    """A volume as QEMU opens it: an image in Ceph. `secret` is the UUID of libvirt's secret."""

    pool: str
    image: str
    monitors: tuple[str, ...]
    user: str
    secret: str


Source = FileSource | RbdSource


@dataclass(frozen=True)
class Capacity:
    """Sizes in MiB of data as users count it (not times three). Nothing is made above `ceiling`.

    `used` is what is written now, `promised` what all volumes may grow to.
    """

    total: int
    used: int
    promised: int
    ceiling: int


@dataclass(frozen=True)
class Erased:
    """Evidence that a volume's content is gone (剩余信息保护): how, how many bytes, whether read back."""

    volume: str
    method: str
    bytes: int
    seconds: float
    verified: bool


class NoSuchVolume(NotFound):
    """The storage knows no such volume or image."""

    code = "storage.no_such_volume"
    text = Text("存储 {storage} 中没有卷 {name}", "The storage {storage} has no volume {name}")


class StorageFailed(Failed):
    """The storage said no; `why` carries its own words."""

    code = "storage.failed"
    text = Text("存储执行{what}失败：{why}", "The storage failed to {what}: {why}")


class StorageAway(Unavailable):
    """The cluster does not answer: nothing is known of what it holds."""

    code = "storage.away"
    text = Text("存储 {storage} 无应答：{why}", "The storage {storage} does not answer: {why}")
    hint = Text(
        "请查看 hbox storage show 与各节点状态，稍后重试。",
        "Look at hbox storage show and at the nodes, then try again.",
    )


class StorageFull(Conflict):
    """It would pass the ceiling above which the loss of one node could not be survived."""

    code = "storage.full"
    text = Text(
        "存储 {storage} 余量不足：需要 {wanted} MiB，上限内剩余 {left} MiB",
        "The storage {storage} has no room: {wanted} MiB wanted, {left} MiB left below the ceiling",
    )
    hint = Text(
        "请删除不用的卷，或添加磁盘或节点。",
        "Delete volumes that are not used, or add disks or a node.",
    )


class VolumeInUse(Conflict):
    """Something still rests on the volume: a clone, a snapshot, a running machine."""

    code = "storage.in_use"
    text = Text("卷 {name} 仍被使用：{why}", "The volume {name} is in use: {why}")


class StorageDriver(Protocol):
    """Images and volumes in one place. Every method is idempotent: it brings the state about or finds it.

    A volume is called `OWNER/KIND` (`6f1c…/system`), an image by a plain name (`guest-base`). A thing
    that is half made is never found under its final name.
    """

    name: str
    abilities: frozenset[StorageAbility]

    def take_image(self, image: str, file: Path, tell: Tell) -> None:
        """Bring `file` (qcow2 or raw, already examined) in as an image that never changes."""
        ...

    def drop_image(self, image: str) -> None:
        """Remove an image; an absent one is fine; raises `VolumeInUse` while clones rest on it."""
        ...

    def images(self) -> frozenset[str]:
        """Names of all images."""
        ...

    def intact(self, image: str, file: Path, digest: str) -> bool:
        """Whether the image still is what `file` (with that SHA-256) was when it was taken in."""
        ...

    def clone(self, volume: str, image: str, gib: int) -> None:
        """Make a linked clone of an image, at least `gib` GiB (0: as the image); `NoSuchVolume`."""
        ...

    def branch(self, volume: str, parent: str, snapshot: str) -> None:
        """Make a linked clone of another volume's snapshot (same storage)."""
        ...

    def unbranch(self, parent: str, snapshot: str) -> None:
        """Remove what `branch` laid beside the parent for its clones; nothing while one rests on it."""
        ...

    def create(self, volume: str, gib: int) -> None:
        """Make an empty volume of `gib` GiB that reads as zeros."""
        ...

    def write(self, volume: str, label: str, files: Mapping[str, bytes | Path]) -> None:
        """Make a read-only ISO 9660 volume with these files, afresh each time."""
        ...

    def copy(self, volume: str, origin: str, tell: Tell) -> None:
        """Make a full, independent copy from `origin`, the `locator` of a volume of any storage."""
        ...

    def same(self, volume: str, origin: str) -> bool:
        """Whether a guest reads the same from the volume as from `origin`, a `locator` without snapshot."""
        ...

    def at(self, host: Host) -> "StorageDriver":
        """Return the same storage as the node `host` reaches it; a node's own stays that node's."""
        ...

    def source(self, volume: str) -> Source:
        """How QEMU opens the volume."""
        ...

    def locator(self, volume: str, snapshot: str = "") -> str:
        """How `qemu-img` on the node that does the work names the volume (or its snapshot)."""
        ...

    def gib(self, volume: str) -> int:
        """Its size in GiB as the guest sees it, rounded up; raises `NoSuchVolume`."""
        ...

    def grow(self, volume: str, gib: int) -> None:
        """Enlarge to `gib` GiB; a larger one stays as it is. Only while no machine has it open."""
        ...

    def snapshot(self, volume: str, name: str) -> None:
        """Keep the volume's present state under `name`; needs `StorageAbility.SNAPSHOT`."""
        ...

    def roll_back(self, volume: str, name: str) -> None:
        """Bring the kept state back; later writes are lost. Only while no machine has it open."""
        ...

    def drop_snapshot(self, volume: str, name: str) -> None:
        """Forget a kept state; an absent one is fine; raises `VolumeInUse` while clones rest on it."""
        ...

    def snapshots(self, volume: str) -> tuple[str, ...]:
        """Names of the kept states, oldest first."""
        ...

    def erase(self, volume: str) -> Erased | None:
        """Overwrite what is the volume's own, read back, remove it; None when it was not there."""
        ...

    def volumes(self) -> frozenset[str]:
        """Names of all volumes, half-made and half-erased ones too."""
        ...

    def capacity(self) -> Capacity:
        """How much there is, is used, is promised."""
        ...


class NodeStorage(StorageDriver, Protocol):
    """A node's own storage, which also has the folder where a machine's console log goes."""

    def console(self, vm_id: str) -> Path:
        """Return the path of the machine's console log; its folder is there afterwards."""
        ...

    def forget(self, vm_id: str) -> None:
        """Remove the machine's folder with its console log; an absent one is fine."""
        ...

    def scrap(self, file: Path) -> None:
        """Overwrite and remove a file of passage (and its folder, if empty); an absent one is fine."""
        ...
