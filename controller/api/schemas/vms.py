"""Virtual machines in and out of the API."""

from typing import Literal

from pydantic import Field

from controller.api.schemas.base import In, Out, Query
from controller.records.tables import Vm

Zone = Literal["intranet", "extranet"]


class VmIn(In):
    """A machine to create; memory in MiB, disk in GiB. Without `node` the box chooses."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")
    zone: Zone
    node: str = ""
    vcpus: int = Field(default=1, ge=1, le=64)
    memory_mib: int = Field(default=512, ge=128, le=1048576)
    disk_gib: int = Field(default=4, ge=2, le=4096)
    start: bool = True


class StopIn(In):
    """How to stop: asked to shut down, or with `force` cut off."""

    force: bool = False


class VmFilter(Query):
    """Which machines."""

    zone: Zone | None = None
    node: str | None = None


class VmOut(Out):
    """A machine: what is wished beside what is. `version` is its ETag."""

    id: str
    name: str
    node: str
    zone: str
    address: str
    mac: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    wished: str
    actual: str
    actual_at: str | None
    agent: bool
    module: str | None
    job_id: str
    version: int
    created_at: str

    @classmethod
    def of(cls, vm: Vm, module: str | None) -> "VmOut":
        """Return the API's form of a machine's row and of the module that lives in it."""
        kept = {name: getattr(vm, name) for name in cls.model_fields.keys() - {"module"}}
        return cls(**kept, module=module)
