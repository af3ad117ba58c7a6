"""A recorded volume and where it lies: its storage, the machine that has it, what changes in its row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.actions.volumes_one import key
from controller.drivers.base import Disk, HypervisorDriver, Power
from controller.drivers.storage import StorageDriver
from controller.records.session import reading
from controller.records.tables import Vm, Volume
from controller.workers.site import Site


@dataclass(frozen=True)
class Volumed:
    """A volume's row, as it was when the job's steps were made."""

    site: Site
    row: Volume

    @classmethod
    def of(cls, site: Site, volume_id: str) -> "Volumed":
        """Read the record; raises `NotFound`."""
        with reading(site.engine) as session:
            row = session.get(Volume, key(volume_id))
        if row is None:
            raise NotFound(what="卷 volume", name=volume_id)
        return cls(site, row)

    @property
    def id(self) -> str:
        """Its key, which is its name in the storage."""
        return self.row.id

    @property
    def storage(self) -> StorageDriver:
        """Where it lies."""
        return lying(self.site, self.row.storage, self.row.node)

    def engine(self, vm_id: str) -> HypervisorDriver:
        """Return the hypervisor of a machine's node; raises `NotFound`."""
        with reading(self.site.engine) as session:
            vm = session.get(Vm, vm_id)
        if vm is None:
            raise NotFound(what="虚拟机 virtual machine", name=vm_id)
        return self.site.node(vm.node).hypervisor

    def on(self, vm_id: str) -> bool:
        """Whether the machine ("": none) has the volume open now."""
        return bool(vm_id) and self.engine(vm_id).state(vm_id) in (Power.RUNNING, Power.PAUSED)

    def disk(self, vm_id: str) -> Disk:
        """Return it as a machine's disk, as the machine's node reaches it."""
        with reading(self.site.engine) as session:
            vm = session.get(Vm, vm_id)
        host = self.site.node(vm.node if vm is not None else self.row.node).host
        return Disk(self.storage.at(host).source(self.id), self.row.serial)

    def change(self, **columns: Any) -> None:
        """Write columns of its row, if it is still there; its version grows."""

        def work(row: Volume) -> None:
            for name, value in columns.items():
                setattr(row, name, value)

        self.edit(work)

    def edit(self, work: Callable[[Volume], None]) -> None:
        """Change its row in a transaction of its own."""

        def within(session: Session) -> None:
            row = session.get(Volume, self.id)
            if row is not None:
                work(row)
                row.version += 1

        self.site.change(within)


def lying(site: Site, storage: str, node: str) -> StorageDriver:
    """Return the storage of that name; `node` where it is a node's own. Raises `NotFound`."""
    return site.storage(storage, node) if node else _shared(site, storage)


def _shared(site: Site, storage: str) -> StorageDriver:
    if storage not in site.shared:
        raise NotFound(what="存储 storage", name=storage)
    return site.shared[storage]
