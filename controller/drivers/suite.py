"""The conformance suite: what every hypervisor driver must do, run against each of them."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import Failed, Text
from controller.drivers.base import HypervisorDriver, NoSuchVm, Power, VmSpec


class Nonconforming(Failed):
    """A driver broke a promise of the protocol."""

    code = "driver.nonconforming"
    text = Text("驱动 {driver} 不符合约定：{why}", "The driver {driver} breaks a promise: {why}")


@dataclass(frozen=True)
class Bench:
    """A driver under test and a VM that it may make and remove."""

    driver: HypervisorDriver
    spec: VmSpec

    def expect(self, holds: bool, why: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Raise `Nonconforming` unless it holds."""
        if not holds:
            raise Nonconforming(driver=self.driver.name, why=why)


def absent_is_an_answer(bench: Bench) -> None:
    """An unknown VM is absent, may be undefined and stopped, and cannot be started."""
    vm = bench.spec.id
    bench.expect(bench.driver.state(vm) is Power.ABSENT, "an unknown VM must be absent")
    bench.driver.undefine(vm)
    bench.driver.stop(vm, force=True)
    try:
        bench.driver.start(vm)
    except NoSuchVm:
        return
    bench.expect(holds=False, why="starting an unknown VM must raise NoSuchVm")


def defined_twice_is_one(bench: Bench) -> None:
    """Defining again replaces; the list shows the VM once, stopped."""
    bench.driver.define(bench.spec)
    bench.driver.define(bench.spec)
    found = [power for vm, power in bench.driver.states().items() if vm == bench.spec.id]
    bench.expect(found == [Power.STOPPED], "a defined VM must be listed once, stopped")


def power_is_idempotent(bench: Bench) -> None:
    """Starting and stopping twice is as once, and the state follows."""
    vm = bench.spec.id
    bench.driver.define(bench.spec)
    for _ in range(2):
        bench.driver.start(vm)
        bench.expect(bench.driver.state(vm) is Power.RUNNING, "a started VM must run")
    for _ in range(2):
        bench.driver.stop(vm, force=True)
        bench.expect(bench.driver.state(vm) is Power.STOPPED, "a stopped VM must be stopped")


def running_can_be_undefined(bench: Bench) -> None:
    """Undefining a running VM powers it off and forgets it; a second time is fine."""
    vm = bench.spec.id
    bench.driver.define(bench.spec)
    bench.driver.start(vm)
    for _ in range(2):
        bench.driver.undefine(vm)
        bench.expect(bench.driver.state(vm) is Power.ABSENT, "an undefined VM must be absent")


SUITE: tuple[Callable[[Bench], None], ...] = (
    absent_is_an_answer,
    defined_twice_is_one,
    power_is_idempotent,
    running_can_be_undefined,
)


def conform(driver: HypervisorDriver, spec: VmSpec) -> None:
    """Run the whole suite; the VM is gone afterwards in any case; raises `Nonconforming`."""
    bench = Bench(driver, spec)
    try:
        for promise in SUITE:
            promise(bench)
            driver.undefine(spec.id)
    finally:
        driver.undefine(spec.id)
