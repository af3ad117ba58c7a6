"""What the conformance suite works with: a driver, a VM that it may make and remove, and how it complains."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import BoxError, Failed, Text
from controller.drivers.base import Ability, Disk, HypervisorDriver, Link, Target, VmSpec


class Nonconforming(Failed):
    """A driver broke a promise of the protocol."""

    code = "driver.nonconforming"
    text = Text("驱动 {driver} 不符合约定：{why}", "The driver {driver} breaks a promise: {why}")


def at_once(_driver: HypervisorDriver, _vm_id: str) -> None:
    """Wait for nothing: the guest is ready as soon as it was started."""


@dataclass(frozen=True)
class Elsewhere:
    """Another node: its driver, and how the one under test reaches it; and the way back."""

    driver: HypervisorDriver
    there: Target
    back: Target


@dataclass(frozen=True)
class Bench:
    """A driver under test and a VM that it may make and remove.

    `disk` and `link` may be plugged into it. `ready` waits until the started guest answers its buttons
    and lets devices go. `agent`: an agent runs in the guest. `elsewhere` None: nothing is migrated.
    """

    driver: HypervisorDriver
    spec: VmSpec
    disk: Disk | None = None
    link: Link | None = None
    ready: Callable[[HypervisorDriver, str], None] = at_once
    agent: bool = False
    elsewhere: Elsewhere | None = None

    @property
    def vm(self) -> str:
        """The VM's id."""
        return self.spec.id

    def define(self) -> None:
        """Make the VM known, off."""
        self.driver.define(self.spec)

    def run(self) -> None:
        """Make the VM known and start it; its guest is ready."""
        self.define()
        self.driver.start(self.vm)
        self.ready(self.driver, self.vm)

    def expect(self, holds: bool, why: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Raise `Nonconforming` unless it holds."""
        if not holds:
            raise Nonconforming(driver=self.driver.name, why=why)

    def refuses(self, error: type[BoxError], deed: Callable[[], object], why: str) -> None:
        """Raise `Nonconforming` unless `deed` raises `error`."""
        try:
            deed()
        except error:
            return
        self.expect(holds=False, why=why)


@dataclass(frozen=True)
class Promise:
    """One thing that a driver with these abilities keeps."""

    keep: Callable[[Bench], None]
    needs: frozenset[Ability] = frozenset()

    def asked_of(self, bench: Bench) -> bool:
        """Whether this driver and this bench can be asked for it."""
        return self.needs <= bench.driver.abilities
