"""The conformance suite: what every hypervisor driver must do, run against each of them."""

from collections.abc import Sequence

from controller.drivers.base import Ability, NoSuchVm, Power
from controller.drivers.suite_bench import Bench, Promise
from controller.drivers.suite_devices import DEVICES
from controller.drivers.suite_guest import GUEST
from controller.drivers.suite_moving import MOVING
from controller.drivers.suite_power import POWER


def absent_is_an_answer(bench: Bench) -> None:
    """An unknown VM is absent, may be taken away, and cannot be started."""
    vm, driver = bench.vm, bench.driver
    bench.expect(driver.state(vm) is Power.ABSENT, "an unknown VM must be absent")
    bench.expect(vm not in driver.states(), "an unknown VM must not be listed")
    driver.undefine(vm)
    driver.stop(vm, force=True)
    bench.refuses(NoSuchVm, lambda: driver.start(vm), "starting an unknown VM must be refused")


def defined_twice_is_one(bench: Bench) -> None:
    """Defining again replaces; the list shows the VM once, stopped."""
    bench.define()
    bench.define()
    found = [power for vm, power in bench.driver.states().items() if vm == bench.vm]
    bench.expect(found == [Power.STOPPED], "a defined VM must be listed once, stopped")


def power_is_idempotent(bench: Bench) -> None:
    """Starting and stopping twice is as once, and the state follows."""
    bench.define()
    for _ in range(2):
        bench.driver.start(bench.vm)
        bench.expect(bench.driver.state(bench.vm) is Power.RUNNING, "a started VM must run")
    bench.expect(bench.driver.states()[bench.vm] is Power.RUNNING, "a started VM must be listed")
    for _ in range(2):
        bench.driver.stop(bench.vm, force=True)
        bench.expect(bench.driver.state(bench.vm) is Power.STOPPED, "a stopped VM must be stopped")


def running_can_be_undefined(bench: Bench) -> None:
    """Undefining a running VM powers it off and forgets it; a second time is fine."""
    bench.define()
    bench.driver.start(bench.vm)
    for _ in range(2):
        bench.driver.undefine(bench.vm)
        bench.expect(bench.driver.state(bench.vm) is Power.ABSENT, "it must be absent afterwards")


def it_is_defined_as_asked(bench: Bench) -> None:
    """What the engine says of the definition is what it was told, and nothing beside it."""
    bench.expect(bench.driver.seen(bench.vm) is None, "an unknown VM must not be seen")
    bench.define()
    seen, spec = bench.driver.seen(bench.vm), bench.spec
    bench.expect(seen is not None, "a defined VM must be seen")
    if seen is None:
        return
    said = (seen.name, seen.vcpus, seen.memory_mib, seen.disks, seen.links)
    asked = (spec.name, spec.vcpus, spec.memory_mib)
    disks, links = tuple(d.serial for d in spec.disks), tuple(link.mac for link in spec.links)
    bench.expect(said == (*asked, disks, links), f"seen is {said}")
    bench.expect(seen.bridges == tuple(link.bridge for link in spec.links), "bridges must be seen")
    bench.expect(len(seen.sources) == len(disks) and all(seen.sources), "sources must be seen")
    bench.expect(seen.extra == (), f"nothing else may be there: {seen.extra}")
    bench.expect(seen.live is None, "nothing of it may run")
    bench.driver.start(bench.vm)
    again = bench.driver.seen(bench.vm)
    live = again.live if again else None
    shape = (live.vcpus, live.memory_mib, live.disks, live.links, live.extra) if live else ()
    asked_shape = (spec.vcpus, spec.memory_mib, disks, links, ())
    bench.expect(shape == asked_shape, f"what runs must be as defined: {shape}")


SUITE: tuple[Promise, ...] = (
    Promise(absent_is_an_answer),
    Promise(defined_twice_is_one),
    Promise(power_is_idempotent),
    Promise(running_can_be_undefined),
    Promise(it_is_defined_as_asked, frozenset({Ability.INSPECT})),
    *POWER,
    *DEVICES,
    *GUEST,
    *MOVING,
)


def conform(bench: Bench, promises: Sequence[Promise] = SUITE) -> list[str]:
    """Run those that the driver's abilities promise; return what was kept; raises `Nonconforming`.

    The VM is gone afterwards in any case.
    """
    kept = []
    try:
        for promise in promises:
            if promise.asked_of(bench):
                promise.keep(bench)
                kept.append(promise.keep.__name__)
                _clear(bench)
    finally:
        _clear(bench)
    return kept


def _clear(bench: Bench) -> None:
    bench.driver.undefine(bench.vm)
    if bench.elsewhere is not None:
        bench.elsewhere.driver.undefine(bench.vm)
