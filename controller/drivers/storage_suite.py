"""The conformance suite of storages: what every storage driver must do, run against each of them."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance import chance
from appliance.errors import BadInput, BoxError
from appliance.host import Host
from controller.drivers import places
from controller.drivers.storage import NoSuchVolume, StorageDriver, StorageFull, VolumeInUse
from controller.drivers.suite_bench import Nonconforming

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Bench:
    """A storage under test, the node that it works on, and a small image file (qcow2) of this machine.

    `image` reads as 0x42 in its first 64 KiB. All that the suite makes belongs to `owner`.
    """

    driver: StorageDriver
    host: Host
    image: Path
    owner: str

    def volume(self, kind: str) -> str:
        """Return the name of a volume of the suite's own."""
        return f"{self.owner}/{kind}"

    def expect(self, holds: bool, why: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Raise `Nonconforming` unless it holds."""
        if not holds:
            raise Nonconforming(driver=self.driver.name, why=why)

    def refused(self, error: type[BoxError], deed: Callable[[], object], why: str) -> None:
        """Raise `Nonconforming` unless the deed raises that error."""
        try:
            deed()
        except error:
            return
        self.expect(holds=False, why=why)

    def fill(self, volume: str, pattern: int, start: int = 0, length: int = 64 * _KIB) -> None:
        """Write bytes as a guest would; offsets in bytes."""
        order = f"write -P {pattern} {start} {length}"
        self.expect(self._io(volume, order) == 0, "a volume must take what is written")

    def holds(self, volume: str, pattern: int, start: int = 0, length: int = 64 * _KIB) -> bool:
        """Whether a guest reads these bytes."""
        return self._io(volume, f"read -P {pattern} {start} {length}") == 0

    def tell(self, part: float) -> None:
        """Take progress, which must be a part of the whole."""
        self.expect(0.0 <= part <= 1.0, f"progress {part} is no part of the whole")

    def _io(self, volume: str, order: str) -> int:
        *form, place = places.reading(self.driver.locator(volume))
        argv = ["qemu-io", *form, "-c", order, place]
        return self.host.run(argv, timeout=120, check=False).code

    @contextlib.contextmanager
    def opened(self, volume: str) -> Iterator[None]:
        """Have the volume open as a running machine has it."""
        folder = self.host.run(["mktemp", "-d"]).text.strip()
        *form, place = places.reading(self.driver.locator(volume))
        pid, socket = f"{folder}/pid", f"{folder}/socket"
        argv = ["qemu-nbd", "--fork", "--persistent", "-k", socket, f"--pid-file={pid}"]
        self.host.run([*argv, *form, place])
        try:
            yield
        finally:
            number = self.host.read(pid).decode().strip()
            self.host.run(["kill", number])
            # It writes its caches back first; only then is the volume free.
            self.host.run(["timeout", "30", "tail", f"--pid={number}", "-f", "/dev/null"])
            self.host.run(["rm", "-rf", "--", folder])


def absent_is_an_answer(bench: Bench) -> None:
    """What is not there may be erased and forgotten, but neither looked at nor cloned."""
    driver, volume = bench.driver, bench.volume("none")
    bench.expect(driver.erase(volume) is None, "erasing nothing must give no evidence")
    driver.drop_snapshot(volume, "s1")
    driver.drop_image("suite-none")
    bench.expect(volume not in driver.volumes(), "an absent volume must not be listed")
    bench.refused(NoSuchVolume, lambda: driver.gib(volume), "an absent volume has no size")
    bench.refused(NoSuchVolume, lambda: driver.snapshots(volume), "nor has it snapshots")
    clone = bench.volume("c1")
    bench.refused(NoSuchVolume, lambda: driver.clone(clone, "suite-none", 1), "no image, no clone")
    bench.expect(clone not in driver.volumes(), "a clone that failed must not be listed")


def names_stay_names(bench: Bench) -> None:
    """No name leaves its place, or is read as an option or as another thing."""
    for kind in ("", "..", "../x", "a/b", "-x", "a@b", "a#b", "a:b", "a b", "\0", "x" * 200):
        for deed in (bench.driver.source, bench.driver.erase, bench.driver.gib):
            why = f"{kind!r} must be refused as a name"
            bench.refused(BadInput, lambda d=deed, k=kind: d(bench.volume(k)), why)  # type: ignore[misc]


def empty_reads_as_zeros(bench: Bench) -> None:
    """A new volume has its size and reads as zeros; making it again keeps what is in it."""
    volume = bench.volume("data")
    bench.driver.create(volume, 1)
    bench.expect(bench.driver.gib(volume) == 1, "a volume of 1 GiB must have 1 GiB")
    bench.expect(bench.holds(volume, 0, 512 * _MIB), "a new volume must read as zeros")
    bench.fill(volume, 0x11)
    bench.driver.create(volume, 1)
    bench.expect(bench.holds(volume, 0x11), "making a volume again must keep its content")
    bench.expect(volume in bench.driver.volumes(), "a volume must be listed")


def clones_rest_on_their_image(bench: Bench) -> None:
    """A clone reads as its image, changes only itself, and its image cannot go before it."""
    driver, image = bench.driver, "suite-image"
    for _ in range(2):
        driver.take_image(image, bench.image, bench.tell)
    bench.expect(image in driver.images(), "an image must be listed")
    digest = hashlib.sha256(bench.image.read_bytes()).hexdigest()
    bench.expect(driver.intact(image, bench.image, digest), "an image must be what was taken in")
    one, two = bench.volume("one"), bench.volume("two")
    driver.clone(one, image, 1)
    driver.clone(two, image, 0)
    bench.expect(driver.gib(one) == 1, "a clone must have the size that was asked for")
    bench.expect(bench.holds(one, 0x42) and bench.holds(two, 0x42), "a clone reads as its image")
    bench.fill(one, 0x11)
    driver.clone(one, image, 1)
    bench.expect(bench.holds(one, 0x11), "cloning again must keep what the guest wrote")
    bench.expect(bench.holds(two, 0x42), "a clone must not change its image")
    bench.refused(VolumeInUse, lambda: driver.drop_image(image), "an image in use must stay")
    driver.erase(one)
    driver.erase(two)
    driver.drop_image(image)
    bench.expect(image not in driver.images(), "an image that is dropped must be gone")


def growing_keeps_content(bench: Bench) -> None:
    """A volume grows, never shrinks, and keeps its content."""
    volume = bench.volume("data")
    bench.driver.create(volume, 1)
    bench.fill(volume, 0x11)
    for gib in (2, 1):
        bench.driver.grow(volume, gib)
        bench.expect(bench.driver.gib(volume) == 2, "a volume must grow and never shrink")
    bench.expect(bench.holds(volume, 0x11), "growing must keep the content")


def snapshots_bring_back(bench: Bench) -> None:
    """A kept state comes back as it was, any number of times, until it is forgotten."""
    driver, volume = bench.driver, bench.volume("data")
    driver.create(volume, 1)
    for number in (1, 2):
        bench.fill(volume, number)
        driver.snapshot(volume, f"s{number}")
        driver.snapshot(volume, f"s{number}")
    bench.expect(driver.snapshots(volume) == ("s1", "s2"), "each state once, the oldest first")
    bench.fill(volume, 3)
    for name, pattern in (("s1", 1), ("s2", 2), ("s1", 1)):
        driver.roll_back(volume, name)
        bench.expect(bench.holds(volume, pattern), f"rolling back must bring {name} back")
    for _ in range(2):
        driver.drop_snapshot(volume, "s1")
    bench.expect(driver.snapshots(volume) == ("s2",), "a state that is forgotten must be gone")
    bench.refused(NoSuchVolume, lambda: driver.roll_back(volume, "s1"), "nor can it come back")


def branches_rest_on_their_snapshot(bench: Bench) -> None:
    """A branch reads as the kept state, and neither state nor parent can go before it."""
    driver, parent, branch = bench.driver, bench.volume("data"), bench.volume("branch")
    driver.create(parent, 1)
    bench.fill(parent, 1)
    driver.snapshot(parent, "s1")
    bench.fill(parent, 2)
    for _ in range(2):
        driver.branch(branch, parent, "s1")
    bench.expect(bench.holds(branch, 1), "a branch must read as the kept state")
    bench.fill(branch, 3)
    driver.branch(branch, parent, "s1")
    bench.expect(bench.holds(branch, 3), "branching again must keep what was written")
    bench.expect(bench.holds(parent, 2), "a branch must not change its parent")
    bench.refused(VolumeInUse, lambda: driver.drop_snapshot(parent, "s1"), "the state must stay")
    bench.refused(VolumeInUse, lambda: driver.erase(parent), "the parent must stay")
    bench.expect(bench.holds(parent, 2), "a refused erasure must leave the volume whole")
    driver.erase(branch)
    driver.drop_snapshot(parent, "s1")
    bench.refused(NoSuchVolume, lambda: driver.branch(branch, parent, "s1"), "no state, no branch")


def copies_are_independent(bench: Bench) -> None:
    """A copy reads as its origin or as a kept state of it, and depends on neither."""
    driver, origin = bench.driver, bench.volume("data")
    driver.create(origin, 1)
    bench.fill(origin, 1)
    driver.snapshot(origin, "s1")
    bench.fill(origin, 2, _MIB)
    for _ in range(2):
        driver.copy(bench.volume("now"), driver.locator(origin), bench.tell)
    driver.copy(bench.volume("then"), driver.locator(origin, "s1"), bench.tell)
    now, then = bench.volume("now"), bench.volume("then")
    bench.expect(driver.same(now, driver.locator(origin)), "a copy must be the same")
    bench.expect(not driver.same(then, driver.locator(origin)), "another content is not the same")
    bench.expect(bench.holds(then, 1), "a copy of a state must have what was before it")
    bench.expect(bench.holds(then, 0, _MIB), "and nothing that was written after it")
    driver.erase(origin)
    bench.expect(bench.holds(now, 2, _MIB), "a copy must not depend on its origin")


def discs_hold_their_files(bench: Bench) -> None:
    """A disc has its label and its files, and making it again replaces them."""
    driver, volume = bench.driver, bench.volume("seed")
    for text in (b"first", b"second"):
        driver.write(volume, "SUITE", {"note": text, "other.file": bench.image})
        folder = bench.host.run(["mktemp", "-d"]).text.strip()
        try:
            disc, out = f"{folder}/disc.iso", f"{folder}/out"
            argv = ["qemu-img", "convert", *places.reading(driver.locator(volume)), "-O", "raw"]
            bench.host.run([*argv, disc])
            extract = ["-osirrox", "on", "-extract", "/", out]
            said = bench.host.run(["xorriso", "-indev", disc, *extract])
            bench.expect(b"SUITE" in said.err, "a disc must have its label")
            bench.expect(bench.host.read(f"{out}/note") == text, "a disc must have its files")
        finally:
            bench.host.run(["rm", "-rf", "--", folder])
    bench.expect(volume in bench.driver.volumes(), "a disc must be listed")


def erasing_is_proved(bench: Bench) -> None:
    """Erasing overwrites what was written, reads it back, removes all of it; once."""
    driver, volume = bench.driver, bench.volume("data")
    driver.create(volume, 1)
    bench.fill(volume, 0x11, 0, 4 * _MIB)
    driver.snapshot(volume, "s1")
    bench.fill(volume, 0x12, 300 * _MIB, _MIB)
    erased = driver.erase(volume)
    bench.expect(erased is not None and erased.verified, "an erasure must be read back")
    enough = erased is not None and erased.bytes >= 5 * _MIB
    bench.expect(enough, "an erasure must overwrite all that was written")
    bench.expect(volume not in driver.volumes(), "an erased volume must be gone")
    bench.expect(driver.erase(volume) is None, "erasing again must find nothing")


def open_volumes_are_left_alone(bench: Bench) -> None:
    """What a running machine has open is neither rolled back nor erased."""
    driver, volume = bench.driver, bench.volume("data")
    driver.create(volume, 1)
    driver.snapshot(volume, "s1")
    bench.fill(volume, 0x11)
    with bench.opened(volume):
        bench.expect(driver.gib(volume) == 1, "an open volume can be looked at")
        bench.refused(VolumeInUse, lambda: driver.roll_back(volume, "s1"), "no rolling back")
        bench.refused(VolumeInUse, lambda: driver.erase(volume), "no erasing")
    bench.expect(bench.holds(volume, 0x11), "what was open must be whole")


def nothing_passes_the_ceiling(bench: Bench) -> None:
    """Its figures agree with each other, and what could not be filled is not made."""
    found = bench.driver.capacity()
    bench.expect(0 <= found.used <= found.total, "used is a part of the total")
    bench.expect(0 < found.ceiling < found.total, "the ceiling is below the total")
    volume = bench.volume("huge")
    huge = found.total // _KIB + 1
    bench.refused(StorageFull, lambda: bench.driver.create(volume, huge), "no room, no volume")
    bench.expect(volume not in bench.driver.volumes(), "a volume that was refused is not there")


SUITE: tuple[Callable[[Bench], None], ...] = (
    absent_is_an_answer,
    names_stay_names,
    empty_reads_as_zeros,
    clones_rest_on_their_image,
    growing_keeps_content,
    snapshots_bring_back,
    branches_rest_on_their_snapshot,
    copies_are_independent,
    discs_hold_their_files,
    erasing_is_proved,
    open_volumes_are_left_alone,
    nothing_passes_the_ceiling,
)


def conform(driver: StorageDriver, host: Host, image: Path) -> None:
    """Run the whole suite; nothing of it is left in any case; raises `Nonconforming`."""
    for promise in SUITE:
        keep(promise, Bench(driver, host, image, chance.new_id()))


def keep(promise: Callable[[Bench], None], bench: Bench) -> None:
    """Ask for one promise, and take away all that it made, branches before what they rest on."""
    try:
        promise(bench)
    finally:
        left = bench.driver.volumes()
        for kind in ("branch", "one", "two", "now", "then", "data", "seed", "huge", "c1"):
            if bench.volume(kind) in left:
                bench.driver.erase(bench.volume(kind))
        bench.driver.drop_image("suite-image")
