"""One virtual machine as its record says: what to define, where its disks lie, what is really there."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import clock, nic
from appliance.errors import NotFound
from controller.drivers.base import Accelerator, Disk, Power, VmSpec
from controller.drivers.seed import LABEL, Guest, seed_files
from controller.records.session import reading
from controller.records.tables import Vm, Volume
from controller.workers import nodes
from controller.workers.site import NodeDrivers, Site
from network.zones import PLAN

SEED = "seed"


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
    def folder(self) -> Path:
        """Where its volumes and its console log lie on its node."""
        return self.drivers.storage.console(self.id).parent

    def make_system(self) -> None:
        """Make its system volume from the guest base image and record it."""
        base = self.site.guest_base / "disk.qcow2"
        path = self.drivers.storage.system(self.id, base, self.row.disk_gib)
        self._record_volume("system", str(path))

    def make_seed(self) -> None:
        """Make its first-boot volume and record it."""
        box = self.site.settings
        subnet = box.intranet_subnet if self.row.zone == "intranet" else box.extranet_subnet
        guest = Guest(self.id, self.row.name, self.row.mac, self.row.address, subnet)
        path = self.drivers.storage.image(self.id, SEED, LABEL, dict(seed_files(guest)))
        self._record_volume(SEED, str(path))

    def erase(self) -> None:
        """Remove all its volumes, and their records."""
        self.drivers.storage.erase(self.id)

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
        storage = self.drivers.storage
        zone = PLAN.intranet if self.row.zone == "intranet" else PLAN.extranet
        return VmSpec(
            id=self.id,
            name=self.row.name,
            bridge=zone.bridge,
            mac=self.row.mac,
            tap=nic.tap(self.row.address),
            vcpus=self.row.vcpus,
            memory_mib=self.row.memory_mib,
            disks=(
                Disk(self.folder / "system.qcow2", "system"),
                Disk(self.folder / f"{SEED}.iso", SEED, format="raw", read_only=True),
            ),
            boot=self.site.boot(),
            console=storage.console(self.id),
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

    def _record_volume(self, kind: str, path: str) -> None:
        def work(session: Session) -> None:
            session.merge(Volume(id=f"{self.id}/{kind}", vm_id=self.id, kind=kind, path=path))

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
