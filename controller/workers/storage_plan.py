"""Who does what in the storage: what the worker keeps of it for itself, and the roles' variables."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import select

from appliance.errors import NotFound
from controller.actions.storage import StorageNotThere
from controller.drivers.ceph import PORT, Cluster
from controller.jobs.steps import Say
from controller.records.session import reading
from controller.records.tables import Node
from controller.workers import nodes_state
from controller.workers.nodes_play import Play, Recap, play
from controller.workers.site import Site
from hardware.inventory import is_lab

MONITORS = 3
MEMORY_MIB = 4096
LAB_MEMORY_MIB = 1024


@dataclass(frozen=True)
class Monitor:
    """A monitor: its node and that node's management address."""

    name: str
    address: str


@dataclass(frozen=True)
class Members:
    """The cluster's id and who bears monitors and managers.

    Kept in a file that root alone writes: rows can be written by the web process, and an address from
    a forged row would be given every key of the storage.
    """

    fsid: str
    secret: str
    monitors: tuple[Monitor, ...]
    managers: tuple[str, ...]

    @property
    def addresses(self) -> list[str]:
        """Where clients find the monitors."""
        return [f"{one.address}:{PORT}" for one in self.monitors]


@dataclass(frozen=True)
class NewDisk:
    """A disk that the role is to bring up: number, identity, path; `file_mib` 0 for a device."""

    osd: int
    uuid: str
    path: str
    file_mib: int


def folder(site: Site) -> Path:
    """Return where the keyrings of the storage lie on the controller's node."""
    return site.settings.keys / "ceph"


def cluster(site: Site) -> Cluster:
    """Return the cluster as the controller's node reaches it."""
    return Cluster(site.home.host, folder(site))


def members(site: Site) -> Members:
    """Return what is kept of the cluster; raises `StorageNotThere`."""
    try:
        raw = json.loads(site.home.host.read(str(folder(site) / "members.json")))
    except FileNotFoundError as error:
        raise StorageNotThere from error
    monitors = tuple(Monitor(**one) for one in raw.pop("monitors"))
    return Members(monitors=monitors, managers=tuple(raw.pop("managers")), **raw)


def is_set_up(site: Site) -> bool:
    """Whether the box has (or is making) a cluster."""
    try:
        members(site)
    except StorageNotThere:
        return False
    return True


def keep(site: Site, made: Members) -> None:
    """Keep who bears what; the folder of the keys is there."""
    text = json.dumps(asdict(made), sort_keys=True)
    site.home.host.write(str(folder(site) / "members.json"), text.encode(), mode=0o600)


def first_members(site: Site, nodes: Sequence[str]) -> Members:
    """Return the members of a cluster that this job makes: the same ids however often it is asked."""
    where = addresses(site)
    bearing = nodes[:MONITORS]
    fsid = str(uuid.uuid5(uuid.UUID(site.job_id), "fsid"))
    return Members(
        fsid=fsid,
        secret=str(uuid.uuid5(uuid.UUID(fsid), "client.hbox")),
        monitors=tuple(Monitor(name, where[name]) for name in bearing),
        managers=tuple(bearing),
    )


def disk_uuid(site: Site, disk: str) -> str:
    """Return the identity of a disk that this job brings in."""
    return str(uuid.uuid5(uuid.UUID(site.job_id), disk))


def addresses(site: Site) -> dict[str, str]:
    """Return the management address of every node; raises `NotFound` where one is not known."""
    with reading(site.engine) as session:
        rows = {row.name: row.address for row in session.scalars(select(Node))}
    for name, address in rows.items():
        if not address:
            raise NotFound(what="节点管理地址 management address", name=name)
    return rows


def variables(
    site: Site, kept: Members, disks: Mapping[str, Sequence[NewDisk]]
) -> dict[str, object]:
    """Return what the roles are told: see playbooks/roles/ceph_base/tasks/main.yml."""
    return {
        "ceph": {
            "fsid": kept.fsid,
            "secret": kept.secret,
            "folder": str(folder(site)),
            "monitors": [asdict(one) for one in kept.monitors],
            "managers": list(kept.managers),
            "addresses": addresses(site),
            "osds": {node: [asdict(disk) for disk in some] for node, some in disks.items()},
            "memory": LAB_MEMORY_MIB if is_lab(site.home.host) else MEMORY_MIB,
        }
    }


def without(kept: Members, node: str) -> Members:
    """Return the members when `node` bears nothing any more."""
    return replace(
        kept,
        monitors=tuple(one for one in kept.monitors if one.name != node),
        managers=tuple(name for name in kept.managers if name != node),
    )


def run(
    site: Site,
    say: Say,
    nodes: Sequence[str],
    disks: Mapping[str, Sequence[NewDisk]],
    *,
    check: bool = False,
) -> dict[str, Recap]:
    """Run the storage's roles on these nodes, with the disks that are to come up; return the recaps."""
    told = variables(site, members(site), disks)
    whom = nodes_state.of_members(site, nodes)
    return play(site, say, whom, Play("storage.yml", told, check=check))


def bring_up(site: Site, say: Say, disks: Mapping[str, Sequence[NewDisk]]) -> dict[str, Recap]:
    """Run only the role of the disks, on nodes that have all else; return the recaps."""
    told = variables(site, members(site), disks)
    nodes = nodes_state.of_members(site, sorted(disks))
    return play(site, say, nodes, Play("storage-disks.yml", told))
