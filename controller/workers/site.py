"""Where workers work: settings, records, the drivers of each node; and what a step may report."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from appliance.host import Host, LocalHost
from appliance.settings import Settings
from controller.drivers.base import Boot, HypervisorDriver, Target
from controller.drivers.storage import NodeStorage, StorageDriver
from controller.records.session import reading, transaction
from controller.records.tables import Job, Node

GUEST_BASE = Path("/usr/share/hbox/images/guest-base")


@dataclass(frozen=True)
class NodeDrivers:
    """The engines of one node. `storage` is its own (`dir`); `uri` is how other nodes reach its engine."""

    hypervisor: HypervisorDriver
    storage: NodeStorage
    host: Host = field(default_factory=LocalHost)
    uri: str = ""


@dataclass(frozen=True)
class Site:
    """All that a worker may touch. `shared` are the storages that every node reaches, by name.

    `job_id` is the job that is being carried out. `roles` runs Ansible's roles in its place, as `play`.
    """

    settings: Settings
    engine: Engine
    nodes: Mapping[str, NodeDrivers]
    guest_base: Path = GUEST_BASE
    job_id: str = ""
    shared: Mapping[str, StorageDriver] = field(default_factory=dict)
    roles: Callable[..., Any] | None = None

    def node(self, name: str) -> NodeDrivers:
        """Return the drivers of the node of that name; raises `NotFound`."""
        if name not in self.nodes:
            raise NotFound(what="节点 node", name=name)
        return self.nodes[name]

    def storage(self, name: str, node: str) -> StorageDriver:
        """Return the storage `name` as the node reaches it; raises `NotFound`."""
        if name == self.node(node).storage.name:
            return self.node(node).storage
        if name not in self.shared:
            raise NotFound(what="存储 storage", name=name)
        return self.shared[name]

    def target(self, name: str) -> Target:
        """Return where a machine that moves to this node goes, as the other nodes reach it."""
        uri = self.node(name).uri
        with reading(self.engine) as session:
            row = session.get(Node, name)
        return Target(name, uri, row.address if row is not None else "")

    @property
    def home(self) -> NodeDrivers:
        """The node that the worker itself runs on: the first one."""
        return next(iter(self.nodes.values()))

    def boot(self) -> Boot:
        """How the guest base image is booted: its kernel, initrd and command line."""
        facts = json.loads((self.guest_base / "image.json").read_bytes())
        return Boot(
            self.guest_base / "vmlinuz", self.guest_base / "initrd.img", str(facts["cmdline"])
        )

    def change(self, work: Callable[[Session], None]) -> None:
        """Run `work` on the records in one transaction."""
        with transaction(self.engine) as session:
            work(session)

    def report(self, **result: Any) -> None:
        """Record what the job brought about, for whoever reads it."""
        with transaction(self.engine) as session:
            job = session.get(Job, self.job_id)
            if job is not None:
                job.result = {**(job.result or {}), **result}
