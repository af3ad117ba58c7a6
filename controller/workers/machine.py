"""One virtual machine as its record says: what to define, where its disks lie, what is really there."""

from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import clock, nic
from appliance.errors import NotFound
from controller.drivers.base import Accelerator, Disk, Link, Power, VmSpec
from controller.drivers.seed import LABEL, Guest, seed_files
from controller.drivers.storage import StorageDriver
from controller.records.session import reading
from controller.records.tables import Vm, Volume
from controller.workers import nodes
from controller.workers.site import NodeDrivers, Site
from network.zones import PLAN

SYSTEM, SEED = "system", "seed"


@dataclass(frozen=True)
class Machine:
    """A VM's record, frozen when the job's steps were made, and the drivers that carry it out."""

    site: Site
    row: Vm
    drivers: NodeDrivers

    @classmethod
    def of(cls, site: Site, vm_id: str) -> "Machine":
        """Read the record; raises `NotFound`."""
        with reading(site.engine) as session:
            row = session.get(Vm, vm_id)
        if row is None:
            raise NotFound(what="虚拟机 virtual machine", name=vm_id)
        return cls(site, row, site.node(row.node))

    @property
    def id(self) -> str:
        """Its UUID."""
        return self.row.id

    @property
    def storage(self) -> StorageDriver:
        """Where its volumes lie."""
        return self.site.storage(self.row.storage, self.row.node)

    def volume(self, kind: str) -> str:
        """Return the name of one of its volumes, in its storage and in the records."""
        return f"{self.id}/{kind}"

    def make_system(self) -> None:
        """Make its system volume from the guest base image and record it."""
        self.storage.clone(self.volume(SYSTEM), "guest-base", self.row.disk_gib)
        self._record_volume(SYSTEM)

    def make_seed(self) -> None:
        """Make its first-boot volume and record it."""
        box = self.site.settings
        subnet = box.intranet_subnet if self.row.zone == "intranet" else box.extranet_subnet
        guest = Guest(self.id, self.row.name, self.row.mac, self.row.address, subnet)
        self.storage.write(self.volume(SEED), LABEL, dict(seed_files(guest)))
        self._record_volume(SEED)

    def erase(self) -> None:
        """Remove all its volumes, and their records."""
        for volume in self.storage.volumes():
            if volume.partition("/")[0] == self.id:
                self.storage.erase(volume)
        self.drivers.storage.forget(self.id)

        def work(session: Session) -> None:
            session.execute(delete(Volume).where(Volume.vm_id == self.id))

        self.site.change(work)

    def forget(self) -> None:
        """Remove its record; name and address are free again."""

        def work(session: Session) -> None:
            session.execute(delete(Vm).where(Vm.id == self.id))

        self.site.change(work)

    def define(self) -> None:
        """Make it known to the hypervisor, from its record alone."""
        self.drivers.hypervisor.define(self.spec())

    def spec(self) -> VmSpec:
        """Return what the hypervisor must be told."""
        zone = PLAN.intranet if self.row.zone == "intranet" else PLAN.extranet
        return VmSpec(
            id=self.id,
            name=self.row.name,
            vcpus=self.row.vcpus,
            memory_mib=self.row.memory_mib,
            disks=(
                Disk(self.storage.source(self.volume(SYSTEM)), SYSTEM),
                Disk(self.storage.source(self.volume(SEED)), SEED, read_only=True),
            ),
            links=(Link(zone.bridge, self.row.mac, nic.tap(self.row.address)),),
            boot=self.site.boot(),
            console=self.drivers.storage.console(self.id),
            accelerator=self.accelerator(),
        )

    def accelerator(self) -> Accelerator:
        """How its node runs guests."""
        return nodes.accelerator(self.site, self.row.node)

    def observe(self) -> Power:
        """Ask the hypervisor what is there and record it beside the wish."""
        power = self.drivers.hypervisor.state(self.id)
        agent = power is Power.RUNNING and self.drivers.hypervisor.ping(self.id)
        self.site.change(lambda session: record(session, self.id, power, agent=agent))
        return power

    def _record_volume(self, kind: str) -> None:
        made = Volume(
            id=self.volume(kind),
            vm_id=self.id,
            kind=kind,
            path=str(self.storage.source(self.volume(kind))),
            storage=self.row.storage,
            node=self.row.node,
            size_gib=self.row.disk_gib if kind == SYSTEM else 0,
            serial=kind,
            tenant=self.row.tenant,
        )

        def work(session: Session) -> None:
            session.merge(made)

        self.site.change(work)


def record(session: Session, vm_id: str, power: Power, *, agent: bool) -> None:
    """Write what is really there into the VM's record; its version grows when it changed."""
    row = session.get(Vm, vm_id)
    if row is None:
        return
    if (row.actual, row.agent) != (power.value, agent):
        row.actual, row.agent = power.value, agent
        row.version += 1
    row.actual_at = clock.iso()
