"""Virtual machines in and out of the API."""

from typing import Any, Literal

from pydantic import Field

from controller.api.schemas.base import In, Out, Query, TextOut
from controller.records.tables import Vm
from controller.records.vms import Beside

Zone = Literal["intranet", "extranet"]
Storage = Literal["", "dir", "rbd"]

NAME = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"
GROUP = r"^([a-z][a-z0-9-]{0,30}[a-z0-9])?$"
ID = r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"
HOST = r"^([A-Za-z0-9][A-Za-z0-9.-]{0,62})?$"


class VmIn(In):
    """A machine to create; memory in MiB, disk in GiB. Without `node` or `storage` the box chooses.

    `template`: name or id, empty for the built-in guest base. Machines of one group `apart` go to
    different nodes. `user_data`: the person's own #cloud-config, at most 64 KiB.
    """

    name: str = Field(pattern=NAME)
    zone: Zone
    node: str = Field(default="", pattern=HOST)
    vcpus: int = Field(default=1, ge=1, le=64)
    memory_mib: int = Field(default=512, ge=128, le=1048576)
    disk_gib: int = Field(default=4, ge=2, le=4096)
    start: bool = True
    tenant: str = Field(default="", pattern=GROUP)
    storage: Storage = ""
    template: str = Field(default="", max_length=64)
    apart: str = Field(default="", pattern=GROUP)
    user_data: str = Field(default="", max_length=65536)


class StopIn(In):
    """How to stop: asked to shut down, or with `force` cut off."""

    force: bool = False


class ResizeIn(In):
    """Processors and memory (MiB); what is left out stays as it is."""

    vcpus: int | None = Field(default=None, ge=1, le=64)
    memory_mib: int | None = Field(default=None, ge=128, le=1048576)


class NicIn(In):
    """A further network interface; it can only lead into the machine's own zone, the default."""

    zone: Zone | None = None


class SnapshotIn(In):
    """A snapshot to take."""

    name: str = Field(pattern=NAME)


class CloneIn(In):
    """A clone: `full` copies of its own, or linked to the origin; from a snapshot (name or id) or as it is."""

    name: str = Field(pattern=NAME)
    full: bool = False
    snapshot: str = Field(default="", max_length=64)
    node: str = Field(default="", pattern=HOST)


class MigrateIn(In):
    """Where to move; without `node` the box chooses."""

    node: str = Field(default="", pattern=HOST)


class PlacementQuery(Query):
    """A machine to find a place for; memory in MiB."""

    vcpus: int = Field(default=1, ge=1, le=64)
    memory_mib: int = Field(default=512, ge=128, le=1048576)
    storage: Storage = ""
    apart: str = Field(default="", pattern=GROUP)


class VerdictOut(Out):
    """What was found about one node."""

    node: str
    fits: bool
    why: list[TextOut]


class PlacementOut(Out):
    """Where a machine goes, and why: `node` is empty where no node can take it."""

    node: str
    storage: str
    verdicts: list[VerdictOut]
    warnings: list[TextOut]


class DriftOut(Out):
    """A machine that the engine holds otherwise than wished: {what: [wished, actual]}."""

    id: str
    name: str
    node: str
    drift: dict[str, Any]
    acceptable: bool


class NicOut(Out):
    """One network interface; `position` 0 is the first one, which cannot be removed."""

    id: str
    position: int
    zone: str
    address: str
    mac: str
    state: str


class SnapshotOut(Out):
    """The state of all writable volumes of a machine at one instant."""

    id: str
    name: str
    state: str
    frozen: bool
    volumes: list[str]
    created_at: str
    job_id: str


class DiskOut(Out):
    """One disk of a machine."""

    id: str
    kind: str
    name: str
    storage: str
    size_gib: int
    parent: str


class VmOut(Out):
    """A machine: what is wished beside what is. `version` is its ETag.

    `drift`: what somebody changed behind the box's back; `pending`: what comes with its next start.
    """

    id: str
    name: str
    node: str
    zone: str
    address: str
    mac: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    tenant: str
    storage: str
    template_id: str
    apart: str
    wished: str
    actual: str
    actual_at: str | None
    agent: bool
    drift: dict[str, Any] | None
    pending: dict[str, Any] | None
    module: str | None
    job_id: str
    version: int
    created_at: str


class VmWholeOut(VmOut):
    """A machine with all that belongs to it, and why it is on its node."""

    placement: dict[str, Any] | None
    nics: list[NicOut]
    disks: list[DiskOut]
    snapshots: list[SnapshotOut]
    has_user_data: bool

    @classmethod
    def of(cls, vm: Vm, module: str | None, beside: Beside) -> "VmWholeOut":
        """Return the API's form of a machine's row and of all that stands beside it."""
        own = VmOut.model_fields.keys() - {"module"}
        first = NicOut(
            id=vm.id, position=0, zone=vm.zone, address=vm.address, mac=vm.mac, state="present"
        )
        return cls(
            **{name: getattr(vm, name) for name in own},
            module=module,
            placement=vm.placement,
            nics=[first, *(NicOut.model_validate(row) for row in beside.nics)],
            disks=[DiskOut.model_validate(row) for row in beside.disks],
            snapshots=[SnapshotOut.model_validate(row) for row in beside.snapshots],
            has_user_data=bool(vm.user_data),
        )
