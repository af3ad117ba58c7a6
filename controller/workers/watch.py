"""What the worker looks after between jobs: what is really there, the audit seals, the gateway's index."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from appliance import clock
from controller.drivers.base import Power
from controller.jobs.claim import HELD
from controller.jobs.log import tell
from controller.records.session import reading
from controller.records.tables import Job, Vm
from controller.workers.machine import record
from controller.workers.site import NodeDrivers, Site


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


def resync(site: Site) -> None:
    """Record for every VM what its hypervisor says now; never derived from a single event."""
    for name, drivers in site.nodes.items():
        _resync_node(site, name, drivers)


def _resync_node(site: Site, name: str, drivers: NodeDrivers) -> None:
    with reading(site.engine) as session:
        known = _at_rest(session, name)
    if not known:
        return
    states = drivers.hypervisor.states()
    seen = {vm: states.get(vm, Power.ABSENT) for vm in known}
    agents = {
        vm: power is Power.RUNNING and drivers.hypervisor.ping(vm) for vm, power in seen.items()
    }
    changed = [vm for vm, row in known.items() if row.said != (seen[vm].value, agents[vm])]

    def work(session: Session) -> None:
        # What a job touched meanwhile is its own to record: what was seen here is older.
        now = _at_rest(session, name)
        for vm in changed:
            if now.get(vm) == known[vm]:
                record(session, vm, seen[vm], agent=agents[vm])

    if changed:
        site.change(work)


@dataclass(frozen=True)
class _Known:
    version: int
    said: tuple[str, bool]


def _at_rest(session: Session, node: str) -> dict[str, _Known]:
    """Return what the records say of the node's VMs that no job works on now."""
    query = (
        select(Vm)
        .join(Job, Job.id == Vm.job_id, isouter=True)
        .where(Vm.node == node, or_(Job.id.is_(None), Job.state.not_in(HELD)))
    )
    return {row.id: _Known(row.version, (row.actual, row.agent)) for row in session.scalars(query)}
