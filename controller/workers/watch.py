"""What the worker looks after between jobs: what is really there, the audit seals, the gateway's index."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BoxError
from controller.drivers.base import Ability
from controller.jobs.claim import HELD
from controller.jobs.log import tell
from controller.records.session import reading
from controller.records.tables import Job, Vm
from controller.workers import inspection
from controller.workers.drift import seat
from controller.workers.machine import Machine, record
from controller.workers.site import NodeDrivers, Site

Powers = Mapping[str, Mapping[str, str]]
"""Machine id -> node -> what that node's engine says of it."""


@dataclass
class Chore:
    """Something done again every `every` seconds; a failure is told once and does not stop others."""

    name: str
    every: float
    deed: Callable[[], object]
    due: float = field(default_factory=clock.monotonic)
    said: str = ""

    def tend(self) -> None:
        """Do it if it is due."""
        if clock.monotonic() < self.due:
            return
        self.due = clock.monotonic() + self.every
        try:
            self.deed()
        except Exception as error:  # noqa: BLE001 - one chore that breaks must not stop the others
            if str(error) != self.said:
                tell(f"{self.name}: {error}")
            self.said = str(error)
        else:
            self.said = ""


def tend_all(chores: Iterable[Chore]) -> None:
    """Do what is due."""
    for chore in chores:
        chore.tend()


@dataclass(frozen=True)
class _Known:
    """What the records said of a machine when the engines were asked."""

    node: str
    version: int
    said: tuple[str, bool]


@dataclass(frozen=True)
class _Sight:
    """What the engines said: of each machine, by node; and which nodes did not answer."""

    powers: Powers
    away: frozenset[str]

    def actual(self, vm_id: str, node: str) -> str:
        """Return what is known of a machine that is recorded on `node`, `unknown` if nothing is."""
        here = self.powers.get(vm_id, {})
        power = here.get(seat(node, here), "absent")
        # Seen off elsewhere says nothing of a node that does not answer.
        return power if power in ("running", "paused") or node not in self.away else "unknown"


def resync(site: Site) -> None:
    """Record for every VM what its hypervisor says now; never derived from a single event.

    A node that does not answer makes its machines `unknown`: nobody has seen that they are gone.
    """
    known = _at_rest(site)
    if not known:
        return
    sight = _see(site, {row.node for row in known.values()})
    seen = {}
    for vm, row in known.items():
        actual = sight.actual(vm, row.node)
        agent = actual == "running" and _answers(site, sight, vm, row)
        if row.said != (actual, agent):
            seen[vm] = (actual, agent)

    def work(session: Session) -> None:
        # What a job touched meanwhile is its own to record: what was seen here is older.
        now = _resting(session)
        for vm, (actual, agent) in seen.items():
            if now.get(vm) == known[vm]:
                record(session, vm, actual, agent=agent)

    if seen:
        site.change(work)


def inspect_all(site: Site) -> None:
    """Compare every machine at rest with its record, and record what differs (drift)."""
    known = _at_rest(site)
    if not known:
        return
    sight = _see(site, set(site.nodes) | {row.node for row in known.values()})
    for vm_id, row in known.items():
        if row.node in sight.away and vm_id not in sight.powers:
            continue
        try:
            _inspect(site, vm_id, row, sight)
        except BoxError as error:
            tell(f"inspect {vm_id}: {error}")


def where(site: Site, vm_id: str) -> dict[str, str]:
    """Return node -> what its engine says of the machine, of the nodes that know it and answer."""
    found = {}
    for node in site.nodes:
        with contextlib.suppress(BoxError):
            power = site.node(node).hypervisor.state(vm_id).value
            if power != "absent":
                found[node] = power
    return found


def _inspect(site: Site, vm_id: str, row: _Known, sight: _Sight) -> None:
    vm = Machine.of(site, vm_id)
    powers = sight.powers.get(vm_id, {})
    place = seat(row.node, powers)
    vm = vm if place == row.node else vm.on(place)
    if Ability.INSPECT not in vm.drivers.hypervisor.abilities:
        return
    found = inspection.examine(vm, powers)

    def work(session: Session) -> None:
        if _resting(session).get(vm_id) == row:
            inspection.note(session, vm_id, found)

    if (vm.row.drift, vm.row.pending) != (found.drift or None, found.pending or None):
        site.change(work)


def _see(site: Site, nodes: set[str]) -> _Sight:
    powers: dict[str, dict[str, str]] = defaultdict(dict)
    away = set()
    for node in nodes | set(site.nodes):
        try:
            said = _drivers(site, node).hypervisor.states()
        except BoxError:
            away.add(node)
            continue
        for vm, power in said.items():
            powers[vm][node] = power.value
    return _Sight(powers, frozenset(away))


def _drivers(site: Site, node: str) -> NodeDrivers:
    return site.node(node)


def _answers(site: Site, sight: _Sight, vm_id: str, row: _Known) -> bool:
    engine = site.node(seat(row.node, sight.powers.get(vm_id, {}))).hypervisor
    return Ability.AGENT in engine.abilities and engine.ping(vm_id)


def _at_rest(site: Site) -> dict[str, _Known]:
    """Return what the records say of the machines that no job works on now."""
    with reading(site.engine) as session:
        return _resting(session)


def _resting(session: Session) -> dict[str, _Known]:
    rows: list[object] = list(session.scalars(select(Job.locks).where(Job.state.in_(HELD))))
    # A row may be forged: whatever is not a list of names holds nothing.
    held = {str(lock) for locks in rows if isinstance(locks, list) for lock in locks}
    makers = dict(session.execute(select(Job.id, Job.state).where(Job.state.in_(HELD))).all())
    return {
        row.id: _Known(row.node, row.version, (row.actual, row.agent))
        for row in session.scalars(select(Vm))
        if f"vm/{row.id}" not in held and row.job_id not in makers
    }
