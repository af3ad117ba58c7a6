"""Replicated storage and its disks, in and out of the API."""

from typing import Annotated, Any, Literal

from pydantic import Field

from controller.api.schemas.base import In, Out

NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$")]
Path = Annotated[str, Field(min_length=1, max_length=120)]


class DiskIn(In):
    """A disk of a node: the path of a whole, empty device (in a lab, of a file that stands for one)."""

    node: NodeName
    path: Path


class StorageIn(In):
    """Replicated storage to set up: three or more nodes, and at least one disk on each of three."""

    nodes: list[NodeName] = Field(min_length=3, max_length=64)
    disks: list[DiskIn] = Field(min_length=3, max_length=512)


class NewDiskIn(In):
    """The disk that takes a failed one's place, in the same node."""

    path: Path


class StorageOut(Out):
    """A storage. `facts`: capacity, used and ceiling in MiB, the cluster's health and complaints, `needs`.

    `state`: making; ok; degraded (a copy is missing and being made); no_spare (a copy is missing and no
    node is left to make it on); full (over the ceiling); error. `since` is when that began.
    """

    name: str
    kind: str
    state: Literal["making", "ok", "degraded", "no_spare", "full", "error"]
    since: str | None
    facts: dict[str, Any] | None
    facts_at: str | None
    job_id: str | None


class OsdDiskOut(Out):
    """A disk of the replicated storage; `osd` is its number in Ceph.

    `state`: wished, in, out (being emptied), failed, gone.
    """

    id: str
    node: str
    path: str
    serial: str
    size_mib: int
    osd: int | None
    state: str
    since: str
    job_id: str
