"""Conformance: disks and network interfaces come and go, in the definition and in the running VM."""

from controller.drivers.base import Ability, EngineFailed, NotRunning, Seen
from controller.drivers.suite_bench import Bench, Promise


def a_disk_for_this_run(bench: Bench) -> None:
    """A disk that is not kept is in the running VM alone, once however often it is plugged in."""
    disk = bench.disk
    if disk is None:
        return
    bench.define()
    bench.refuses(
        NotRunning, lambda: bench.driver.attach(bench.vm, disk), "off: only a kept disk may come"
    )
    bench.driver.start(bench.vm)
    bench.ready(bench.driver, bench.vm)
    for _ in range(2):
        bench.driver.attach(bench.vm, disk)
        _expect_disk(bench, disk.serial, defined=0, live=1)
    for _ in range(2):
        bench.driver.detach(bench.vm, disk.serial)
        _expect_disk(bench, disk.serial, defined=0, live=0)


def a_disk_that_is_kept(bench: Bench) -> None:
    """A kept disk stands in the definition; running or off, it comes and goes whole."""
    disk = bench.disk
    if disk is None:
        return
    bench.define()
    for _ in range(2):
        bench.driver.attach(bench.vm, disk, keep=True)
        _expect_disk(bench, disk.serial, defined=1, live=0)
    for _ in range(2):
        bench.driver.detach(bench.vm, disk.serial)
        _expect_disk(bench, disk.serial, defined=0, live=0)
    bench.run()
    bench.driver.attach(bench.vm, disk)
    bench.driver.attach(bench.vm, disk, keep=True)
    _expect_disk(bench, disk.serial, defined=1, live=1)
    bench.driver.detach(bench.vm, disk.serial)
    _expect_disk(bench, disk.serial, defined=0, live=0)


def a_disk_grows_while_it_is_open(bench: Bench) -> None:
    """An open disk is enlarged; it never shrinks; an unknown one is an error."""
    disk = bench.disk
    if disk is None:
        return
    bench.define()
    bench.refuses(
        NotRunning, lambda: bench.driver.enlarge(bench.vm, disk.serial, 1), "off: it is not open"
    )
    bench.driver.start(bench.vm)
    bench.ready(bench.driver, bench.vm)
    bench.driver.attach(bench.vm, disk)
    for gib in (2, 2, 1):
        bench.driver.enlarge(bench.vm, disk.serial, gib)
    bench.refuses(
        EngineFailed, lambda: bench.driver.enlarge(bench.vm, "nobody", 2), "it has no such disk"
    )
    bench.driver.detach(bench.vm, disk.serial)


def an_interface_comes_and_goes(bench: Bench) -> None:
    """An interface is plugged into the definition and the running VM, and leaves both."""
    link = bench.link
    if link is None:
        return
    bench.define()
    for start in (False, True):
        if start:
            bench.driver.start(bench.vm)
            bench.ready(bench.driver, bench.vm)
        for _ in range(2):
            bench.driver.plug(bench.vm, link)
            _expect_link(bench, link.mac, defined=1, live=int(start))
        for _ in range(2):
            bench.driver.unplug(bench.vm, link.mac)
            _expect_link(bench, link.mac, defined=0, live=0)


def nothing_is_taken_from_nobody(bench: Bench) -> None:
    """Taking a device from an unknown VM is fine."""
    bench.driver.detach(bench.vm, "nobody")
    bench.driver.unplug(bench.vm, "52:54:00:00:00:01")


def _seen(bench: Bench) -> Seen:
    seen = bench.driver.seen(bench.vm)
    bench.expect(seen is not None, "a defined VM must be seen")
    return seen or Seen("", 0, 0, (), ())


def _expect_disk(bench: Bench, serial: str, *, defined: int, live: int) -> None:
    seen = _seen(bench)
    found = seen.disks.count(serial), seen.live.disks.count(serial) if seen.live else 0
    bench.expect(found == (defined, live), f"disk {serial}: defined, live: {found}")


def _expect_link(bench: Bench, mac: str, *, defined: int, live: int) -> None:
    seen = _seen(bench)
    found = seen.links.count(mac), seen.live.links.count(mac) if seen.live else 0
    bench.expect(found == (defined, live), f"interface {mac}: defined, live: {found}")


_NEEDS = frozenset({Ability.HOTPLUG, Ability.INSPECT})
DEVICES = (
    Promise(nothing_is_taken_from_nobody),
    Promise(a_disk_for_this_run, _NEEDS),
    Promise(a_disk_that_is_kept, _NEEDS),
    Promise(a_disk_grows_while_it_is_open, _NEEDS),
    Promise(an_interface_comes_and_goes, _NEEDS),
)
