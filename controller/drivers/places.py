"""Names of volumes and images, how `qemu-img` is told of them, and what its refusals mean."""

from collections.abc import Iterable

from appliance.errors import BadInput, BoxError
from appliance.host import CommandFailed
from controller.drivers.storage import NoSuchVolume, StorageAway, StorageFailed, VolumeInUse

ISO = frozenset({"seed", "module"})
"""Kinds of volumes that are small read-only ISO 9660 images; all others are disks."""

_SNAPSHOT = "#"  # stands in a locator before a snapshot's name; no path or name of ours has it


def plain(name: str) -> str:
    """Return `name`, or raise `BadInput`: names come from rows, and none may leave its folder."""
    bad = not name or name[0] in ".-" or any(c in "/\0#@:,\\" or c.isspace() for c in name)
    if bad or len(name) > 100:
        raise BadInput(what="volume", why=f"not a plain name: {name[:120]!r}")
    return name


def parts(volume: str) -> tuple[str, str]:
    """Split `OWNER/KIND`, both plain."""
    owner, _, kind = volume.partition("/")
    return plain(owner), plain(kind)


def locator(place: str, snapshot: str) -> str:
    """Return how a volume at `place` (a path, or what QEMU calls an RBD image) is told to `copy`."""
    return f"{place}{_SNAPSHOT}{plain(snapshot)}" if snapshot else place


def reading(origin: str) -> list[str]:
    """Return the words by which `qemu-img` opens the `locator`: its format is said, never guessed."""
    place, _, snapshot = origin.partition(_SNAPSHOT)
    if place.startswith("rbd:"):
        # RBD has a name for a snapshot: rbd:pool/image@snapshot:option=…
        image, _, options = place.removeprefix("rbd:").partition(":")
        at = f"@{snapshot}" if snapshot else ""
        return ["-f", "raw", f"rbd:{image}{at}:{options}"]
    form = "raw" if place.endswith(".iso") else "qcow2"
    return [*(["-l", f"snapshot.name={snapshot}"] if snapshot else []), "-f", form, place]


def comparing(form: str, place: str, origin: str) -> list[str]:
    """Return the program that compares what a guest reads at `place` (of format `form`) and at `origin`.

    A tail of zeros is no difference: storages round sizes up. `qemu-img compare` knows no snapshots
    inside a file: raises `BadInput` for one.
    """
    *options, other = reading(origin)
    if options[0] == "-l":
        raise BadInput(what="compare", why="a snapshot inside a file")
    return ["qemu-img", "compare", "-q", "-f", form, "-F", options[-1], place, other]


def iso(label: str, target: str, folder: str) -> list[str]:
    """Return the program that makes an ISO 9660 image of a folder's files, with a volume label."""
    options = ["-quiet", "-volid", label, "-joliet", "-rational-rock"]
    return ["xorriso", "-as", "mkisofs", *options, "-output", target, folder]


def translated(error: CommandFailed, storage: str, volume: str, what: str) -> BoxError:
    """Return the error that a person is told for what a storage's program said."""
    why = str(error.fields.get("why", ""))
    if _says(why, ("connect to the cluster", "error connecting", "keyring")):
        # Before all else: without a cluster everything reads "No such file or directory".
        return StorageAway(storage=storage, why=why[-500:])
    if _says(why, ("lock", "image still has watchers", "Device or resource busy")):
        return VolumeInUse(name=volume, why="虚拟机正在使用 a machine has it open")
    if _says(why, ("No such file", "does not exist", "error opening image")):
        return NoSuchVolume(storage=storage, name=volume)
    return StorageFailed(what=what, why=why[-500:])


def _says(why: str, words: Iterable[str]) -> bool:
    return any(word in why for word in words)
