"""Conformance: pause, reset, size, and the figures of a VM."""

from dataclasses import replace

from controller.drivers.base import Ability, NoSuchVm, NotRunning, Power
from controller.drivers.suite_bench import Bench, Promise

_BLOCK = 128  # MiB: memory grows by whole blocks


def pausing_holds(bench: Bench) -> None:
    """A paused VM is paused until it is resumed; twice is as once; off or unknown is refused."""
    driver, vm = bench.driver, bench.vm
    bench.refuses(NoSuchVm, lambda: driver.pause(vm), "an unknown VM cannot be paused")
    bench.define()
    bench.refuses(NotRunning, lambda: driver.pause(vm), "a VM that is off cannot be paused")
    bench.refuses(NotRunning, lambda: driver.resume(vm), "a VM that is off cannot be resumed")
    driver.start(vm)
    for _ in range(2):
        driver.pause(vm)
        bench.expect(driver.state(vm) is Power.PAUSED, "a paused VM must be paused")
    bench.expect(driver.states()[vm] is Power.PAUSED, "a paused VM must be listed as paused")
    driver.start(vm)
    bench.expect(driver.state(vm) is Power.PAUSED, "starting must not resume")
    for _ in range(2):
        driver.resume(vm)
        bench.expect(driver.state(vm) is Power.RUNNING, "a resumed VM must run")
    driver.pause(vm)
    driver.stop(vm, force=True)
    bench.expect(driver.state(vm) is Power.STOPPED, "a paused VM can be powered off")


def pausing_is_explained(bench: Bench) -> None:
    """A VM that somebody paused says so."""
    bench.define()
    bench.driver.start(bench.vm)
    bench.driver.pause(bench.vm)
    seen = bench.driver.seen(bench.vm)
    bench.expect(seen is not None and seen.paused == "user", f"paused by: {seen}")


def resetting_goes_on(bench: Bench) -> None:
    """A reset VM runs; one that is off cannot be reset."""
    bench.define()
    bench.refuses(NotRunning, lambda: bench.driver.reset(bench.vm), "off: cannot be reset")
    bench.driver.start(bench.vm)
    bench.driver.reset(bench.vm)
    bench.expect(bench.driver.state(bench.vm) is Power.RUNNING, "a VM that was reset must run")


def size_of_one_that_is_off(bench: Bench) -> None:
    """The definition takes the size; so does the next start."""
    bench.define()
    vcpus, memory = bench.spec.vcpus + 1, bench.spec.memory_mib + _BLOCK // 2
    for _ in range(2):
        done = bench.driver.resize(bench.vm, vcpus, memory)
        bench.expect(done, "a VM that is off has its new size at once")
    _expect_size(bench, (vcpus, memory))
    bench.driver.start(bench.vm)
    _expect_size(bench, (vcpus, memory), live=(vcpus, memory))


def size_of_a_running_one(bench: Bench) -> None:
    """It grows while it runs within its limits; beyond them, at its next start, and it is said."""
    spec = bench.spec
    roomy = replace(spec, max_vcpus=spec.vcpus + 1, max_memory_mib=spec.memory_mib + _BLOCK)
    grown = (roomy.max_vcpus, roomy.max_memory_mib)
    bench.driver.define(roomy)
    bench.driver.start(bench.vm)
    bench.ready(bench.driver, bench.vm)
    for _ in range(2):
        done = bench.driver.resize(bench.vm, *grown)
        bench.expect(done, "within its limits a running VM grows at once")
        _expect_size(bench, grown, live=grown)
    beyond = (grown[0] + 1, grown[1] + _BLOCK)
    done = bench.driver.resize(bench.vm, *beyond)
    bench.expect(not done, "beyond its limits it must be said that it comes at the next start")
    _expect_size(bench, beyond, live=grown)
    bench.driver.stop(bench.vm, force=True)
    bench.driver.start(bench.vm)
    _expect_size(bench, beyond, live=beyond)


def figures_are_of_running_vms(bench: Bench) -> None:
    """Only a running VM has figures, and they do not fall."""
    bench.define()
    bench.expect(bench.vm not in bench.driver.stats(), "a VM that is off uses nothing")
    bench.driver.start(bench.vm)
    first, second = (bench.driver.stats().get(bench.vm) for _ in range(2))
    if first is None or second is None:
        bench.expect(holds=False, why="a running VM must have figures")
        return
    bench.expect(0 <= first.cpu_seconds <= second.cpu_seconds, "time spent must not fall")
    bench.expect(first.memory_mib > 0, "a running VM has memory")


def _expect_size(bench: Bench, size: tuple[int, int], live: tuple[int, int] | None = None) -> None:
    seen = bench.driver.seen(bench.vm)
    found = (seen.vcpus, seen.memory_mib) if seen else None
    bench.expect(found == size, f"the definition must have {size}, it has {found}")
    runs = (seen.live.vcpus, seen.live.memory_mib) if seen and seen.live else None
    bench.expect(runs == live, f"what runs must have {live}, it has {runs}")


_PAUSE, _SIZE = frozenset({Ability.PAUSE}), frozenset({Ability.RESIZE, Ability.INSPECT})
POWER = (
    Promise(pausing_holds, _PAUSE),
    Promise(pausing_is_explained, _PAUSE | {Ability.INSPECT}),
    Promise(resetting_goes_on, frozenset({Ability.RESET})),
    Promise(size_of_one_that_is_off, _SIZE),
    Promise(size_of_a_running_one, _SIZE),
    Promise(figures_are_of_running_vms, frozenset({Ability.STATS})),
)
