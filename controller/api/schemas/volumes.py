"""Volumes and the evidence of their erasure in and out of the API."""

from typing import Literal

from pydantic import Field

from controller.api.schemas.base import In, Out, Query

NAME = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"
GIB = 16384
StorageName = Literal["dir", "rbd"]


class VolumeIn(In):
    """A volume to create, in GiB. `node` only for the storage `dir`; without it the box's first node."""

    name: str = Field(pattern=NAME)
    gib: int = Field(ge=1, le=GIB)
    storage: StorageName = "dir"
    node: str = Field(default="", max_length=63)
    tenant: str = Field(default="", max_length=32)


class AttachIn(In):
    """The machine, by name or id."""

    vm: str = Field(min_length=1, max_length=64)


class GrowIn(In):
    """The new size in GiB."""

    gib: int = Field(ge=1, le=GIB)


class VolumeSnapshotIn(In):
    """The snapshot's name."""

    name: str = Field(pattern=NAME)


class CloneIn(In):
    """The new volume's name. `full` makes an independent copy, of the present state without `snapshot`."""

    name: str = Field(pattern=NAME)
    snapshot: str = Field(default="", max_length=32)
    full: bool = False


class MoveIn(In):
    """Where to: a storage, and for `dir` the node."""

    storage: StorageName
    node: str = Field(default="", max_length=63)


class VolumeOut(Out):
    """A volume. `version` is its ETag; `serial` is how a guest finds it (/dev/disk/by-id/virtio-…)."""

    id: str
    name: str
    kind: str
    vm_id: str | None
    storage: str
    node: str
    size_gib: int
    serial: str
    tenant: str
    parent: str
    snapshots: list[str]
    wished: str
    actual: str
    job_id: str
    version: int
    created_at: str | None


class ErasureQuery(Query):
    """Of which volume (its id, or the owner's), and how many at most, the newest first."""

    volume: str = Field(default="", max_length=64)
    limit: int = Field(default=100, ge=1, le=1000)


class ErasureOut(Out):
    """One line of evidence. `what`: begun, erased, or lost (done, but the figures are lost).

    `valid`: the signature is the box's and the line follows the one before it.
    """

    number: int
    at: str
    what: str
    volume: str
    storage: str
    node: str
    job: int
    actor: str
    method: str
    bytes: int
    seconds: float
    verified: bool
    valid: bool
