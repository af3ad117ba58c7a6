"""One virtual machine as its record says: what to define, where its disks lie, what is really there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance import clock, nic
from appliance.errors import NotFound
from controller.actions.addresses import of_machines
from controller.actions.vms import let_go
from controller.drivers.base import Accelerator, Boot, Disk, Link, Power, VmSpec
from controller.drivers.seed import LABEL, Card, Guest, seed_files
from controller.drivers.storage import Erased, StorageDriver
from controller.jobs.trust import NotTrusted
from controller.records.cluster import Nic, Template
from controller.records.session import reading
from controller.records.tables import Vm, Volume
from controller.workers import erasures, images, nodes
from controller.workers.site import NodeDrivers, Site
from network.zones import PLAN

SYSTEM, SEED, DATA = "system", "seed", "data"
_DATA_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/data")


@dataclass(frozen=True)
class Machine:
    """A VM's record, frozen when the job's steps were made, and the drivers that carry it out.

    `elsewhere` names the node of `drivers` where that is not the recorded one.
    """

    site: Site
    row: Vm
    drivers: NodeDrivers
    elsewhere: str = ""

    @classmethod
    def of(cls, site: Site, vm_id: str) -> "Machine":
        """Read the record; raises `NotFound`."""
        with reading(site.engine) as session:
            row = session.get(Vm, vm_id)
        if row is None:
            raise NotFound(what="虚拟机 virtual machine", name=vm_id)
        return cls(site, row, site.node(row.node))

    def on(self, node: str) -> "Machine":
        """Return the same machine as the drivers of another node would carry it out."""
        return replace(self, drivers=self.site.node(node), elsewhere=node)

    @property
    def node(self) -> str:
        """The node whose drivers it is looked at with: the recorded one, or that of `on`."""
        return self.elsewhere or self.row.node

    @property
    def id(self) -> str:
        """Its UUID."""
        return self.row.id

    @property
    def storage(self) -> StorageDriver:
        """Where its system and seed volumes lie."""
        return self.storage_of(self.row.storage)

    def storage_of(self, name: str) -> StorageDriver:
        """Return the storage `name` as the machine's node reaches it; raises `NotFound`."""
        own = self.drivers.storage
        if name == own.name:
            return own
        if name not in self.site.shared:
            raise NotFound(what="存储 storage", name=name)
        return self.site.shared[name].at(self.drivers.host)

    def volume(self, kind: str) -> str:
        """Return the name of one of its volumes, in its storage and in the records."""
        return f"{self.id}/{kind}"

    def make_system(self) -> None:
        """Make its system volume from its template (or the guest base image) and record it."""
        volume, gib = self.volume(SYSTEM), self.row.disk_gib
        template = self.template()
        image = images.clone(self.site, self.storage, template, volume, gib, node=self.node)
        self.record_volume(SYSTEM, parent=image)

    def make_seed(self, *, renew: bool = False) -> None:
        """Make its first-boot volume and record it; `renew`: its disk has been another machine's."""
        cards = [Card(self.row.mac, self.row.address)]
        cards += [Card(one.mac, one.address) for one in self.nics()]
        guest = Guest(self.id, self.row.name, self._subnet(), tuple(cards))
        files = seed_files(guest, self.row.user_data, renew=renew)
        self.storage.write(self.volume(SEED), LABEL, dict(files))
        self.record_volume(SEED)

    def template(self) -> Template | None:
        """The template that it was made from; None: the guest base image. Raises `NotFound`."""
        if not self.row.template_id:
            return None
        with reading(self.site.engine) as session:
            found = session.get(Template, self.row.template_id)
        if found is None:
            raise NotFound(what="模板 template", name=self.row.template_id)
        return found

    def nics(self) -> list[Nic]:
        """Its further interfaces, in order; raises `NotTrusted` for one that is none of ours."""
        with reading(self.site.engine) as session:
            mine = select(Nic).where(Nic.vm_id == self.id, Nic.state == "present")
            rows = list(session.scalars(mine.order_by(Nic.position, Nic.id)))
        for row in rows:
            if row.zone != self.row.zone or row.mac != nic.mac(row.address):
                raise NotTrusted(why="an interface of the machine leads into another zone")
            if row.address not in of_machines(self._subnet()):
                raise NotTrusted(why="an interface of the machine has a foreign address")
        return rows

    def data(self) -> list[Volume]:
        """The data volumes that it has now, in order; raises `NotTrusted` for one that is none."""
        with reading(self.site.engine) as session:
            mine = select(Volume).where(Volume.vm_id == self.id, Volume.kind == DATA)
            rows = session.scalars(mine.order_by(Volume.created_at, Volume.id))
            found = [row for row in rows if row.actual == "present"]
        if any(not _DATA_NAME.fullmatch(row.id) for row in found):
            raise NotTrusted(why="a data volume of the machine bears another volume's name")
        return found

    def writable(self) -> list[tuple[str, StorageDriver]]:
        """Every volume that it writes to, with its storage: the system volume first."""
        data = [(row.id, self.storage_of(row.storage)) for row in self.data()]
        return [(self.volume(SYSTEM), self.storage), *data]

    def erase(self) -> list[Erased]:
        """Remove all volumes of its own, and their records; returns the evidence."""
        storage, gone = self.storage, []
        for volume in sorted(storage.volumes()):
            if volume.partition("/")[0] == self.id:
                evidence = self.wipe(storage, volume)
                gone += [evidence] if evidence is not None else []
        self.drivers.storage.forget(self.id)

        def work(session: Session) -> None:
            own = (Volume.vm_id == self.id, Volume.kind != DATA)
            session.execute(delete(Volume).where(*own))

        self.site.change(work)
        return gone

    def wipe(self, storage: StorageDriver, volume: str) -> Erased | None:
        """Drop a volume's snapshots and erase it."""
        if not volume.endswith(f"/{SEED}"):
            for kept in self._kept(storage, volume):
                storage.drop_snapshot(volume, kept)
        return erasures.erase(self.site, storage, volume, self.node, known=True)

    def _kept(self, storage: StorageDriver, volume: str) -> Sequence[str]:
        try:
            return storage.snapshots(volume)
        except NotFound:
            return ()  # half made or half erased: it has a name, but no whole volume

    def forget(self) -> None:
        """Remove its record; name and address are free again."""

        def work(session: Session) -> None:
            let_go(session, self.id)
            session.flush()
            session.execute(delete(Vm).where(Vm.id == self.id))

        self.site.change(work)

    def define(self, size: tuple[int, int] | None = None) -> None:
        """Make it known to the hypervisor, from its record alone (`size`: vCPUs and MiB instead)."""
        self.drivers.hypervisor.define(self.spec(size))

    def spec(self, size: tuple[int, int] | None = None) -> VmSpec:
        """Return what the hypervisor must be told."""
        vcpus, memory = size or (self.row.vcpus, self.row.memory_mib)
        disks = [
            Disk(self.storage.source(self.volume(SYSTEM)), SYSTEM),
            Disk(self.storage.source(self.volume(SEED)), SEED, read_only=True),
        ]
        disks += [
            Disk(self.storage_of(row.storage).source(row.id), row.serial) for row in self.data()
        ]
        links = [self.link(self.row.mac, self.row.address)]
        links += [self.link(one.mac, one.address) for one in self.nics()]
        return VmSpec(
            id=self.id,
            name=self.row.name,
            vcpus=vcpus,
            memory_mib=memory,
            disks=tuple(disks),
            links=tuple(links),
            boot=self._boot(),
            console=self.drivers.storage.console(self.id),
            screen=True,
            max_vcpus=_most_vcpus(vcpus),
            max_memory_mib=2 * memory,
            accelerator=self.accelerator(),
        )

    def link(self, mac: str, address: str) -> Link:
        """Return an interface of it, in its own zone."""
        zone = PLAN.intranet if self.row.zone == "intranet" else PLAN.extranet
        return Link(zone.bridge, mac, nic.tap(address))

    def accelerator(self) -> Accelerator:
        """How its node runs guests."""
        return nodes.accelerator(self.site, self.node)

    def observe(self) -> Power:
        """Ask the hypervisor what is there and record it beside the wish."""
        power = self.drivers.hypervisor.state(self.id)
        agent = power is Power.RUNNING and self.drivers.hypervisor.ping(self.id)
        self.site.change(lambda session: record(session, self.id, power.value, agent=agent))
        return power

    def record_volume(self, kind: str, *, parent: str = "") -> None:
        """Record a volume that was made."""
        made = Volume(
            id=self.volume(kind),
            vm_id=self.id,
            kind=kind,
            path=str(self.storage.source(self.volume(kind))),
            storage=self.row.storage,
            node=self.row.node if self.row.storage == self.drivers.storage.name else "",
            size_gib=self.row.disk_gib if kind == SYSTEM else 0,
            serial=kind,
            tenant=self.row.tenant,
            parent=parent,
            job_id=self.site.job_id,
            created_at=clock.iso(),
        )

        def work(session: Session) -> None:
            session.merge(made)

        self.site.change(work)

    def _boot(self) -> Boot | None:
        template = self.template()
        return self.site.boot() if template is None or template.boot == "kernel" else None

    def _subnet(self) -> str:
        box = self.site.settings
        return box.intranet_subnet if self.row.zone == "intranet" else box.extranet_subnet


def record(session: Session, vm_id: str, actual: str, *, agent: bool) -> None:
    """Write what is really there into the VM's record; its version grows when it changed."""
    row = session.get(Vm, vm_id)
    if row is None:
        return
    if (row.actual, row.agent) != (actual, agent):
        row.actual, row.agent = actual, agent
        row.version += 1
    if actual != "unknown":
        row.actual_at = clock.iso()


def _most_vcpus(vcpus: int) -> int:
    """To how many processors a machine can grow while it runs: twofold, small ones to four."""
    return min(64, max(4, 2 * vcpus))
