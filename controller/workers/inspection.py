"""Looking at one machine's definition: what of it is not as wished is kept in its record."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from controller.drivers.base import Ability, Power
from controller.records.tables import Vm
from controller.workers import drift
from controller.workers.drift import Found
from controller.workers.machine import Machine

PASSING = frozenset({"hbox-module"})
"""Serials of disks that a job plugs in and takes out again."""


def look(vm: Machine, powers: Mapping[str, str] | None = None) -> Found:
    """Compare the machine with its record, and record what differs; return it.

    `powers`: what each node's engine says of it, where that is known already.
    """
    found = examine(vm, powers)
    vm.site.change(lambda session: note(session, vm.id, found))
    return found


def examine(vm: Machine, powers: Mapping[str, str] | None = None) -> Found:
    """Compare the machine with its record."""
    engine = vm.drivers.hypervisor
    seen = engine.seen(vm.id) if Ability.INSPECT in engine.abilities else None
    shape = Found({}, {})
    if seen is not None:
        shape = drift.compare(drift.shape_of(vm.spec()), seen, PASSING)
    if powers is None:
        power = engine.state(vm.id)
        powers = {} if power is Power.ABSENT else {vm.node: power.value}
    return Found({**shape.drift, **_outside(vm, powers)}, shape.pending)


def note(session: Session, vm_id: str, found: Found) -> None:
    """Write what was found into the machine's record; its version grows when that changed."""
    row = session.get(Vm, vm_id)
    if row is None:
        return
    drift_now, pending_now = found.drift or None, found.pending or None
    if (row.drift, row.pending) != (drift_now, pending_now):
        row.drift, row.pending = drift_now, pending_now
        row.version += 1


def _outside(vm: Machine, powers: Mapping[str, str]) -> drift.Differences:
    place = drift.of_place(vm.row.node, powers)
    if place:
        return place
    return drift.of_power(vm.row.wished, powers.get(vm.row.node, "absent"))
