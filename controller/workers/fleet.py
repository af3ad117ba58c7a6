"""The nodes of the box as the records name them, each with its engines; one that is away fails at once."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.host import Host, LocalHost
from appliance.settings import Settings
from controller.drivers.base import EngineUnavailable, HypervisorDriver, Target
from controller.drivers.kvm import KvmDriver
from controller.drivers.storage import NodeStorage, StorageDriver
from controller.drivers.storage_dir import DirStorage
from controller.records.cluster import Storage
from controller.records.session import reading, transaction
from controller.records.tables import Node
from controller.workers.site import GUEST_BASE, NodeDrivers
from hardware.reconnecting import NodeHost
from hardware.ssh import NodeUnreachable, Place

SSH_KEY = "nodes.ed25519"
OUTSIDE = ("joining", "replacing")  # states of a node that nothing may be asked of yet
_MISSES = 3  # so many looks in a row without an answer make a node "away"
_NOTE = 30.0  # seconds between two notes that a node was seen


@dataclass(frozen=True)
class Member:
    """A node's row, as far as reaching it goes."""

    name: str
    home: bool
    address: str
    host_key: str
    state: str


@dataclass
class _Held:
    """A node's drivers, and the row that they were made for."""

    member: Member
    drivers: NodeDrivers
    host: NodeHost | None
    misses: int = 0
    noted: float = float("-inf")


class Fleet(Mapping[str, NodeDrivers]):
    """Node name -> its drivers, always as the records say now: home first, those that join not yet."""

    def __init__(self, settings: Settings, engine: Engine, here: str = "") -> None:
        self._settings = settings
        self._engine = engine
        self._here = here or socket.gethostname()
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._strangers: dict[tuple[str, str, str], NodeHost] = {}

    def __getitem__(self, name: str) -> NodeDrivers:
        """Return a node's drivers; raises `KeyError` where there is no such node."""
        for member in self.members():
            if member.name == name:
                return self._for(member).drivers
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Give the names, home first."""
        return (m.name for m in self.members() if m.state not in OUTSIDE or m.home)

    def __len__(self) -> int:
        """How many nodes may be asked."""
        return sum(1 for _ in self)

    @property
    def shared(self) -> Mapping[str, StorageDriver]:
        """The storages that every node reaches, by name: what has been set up, when it is asked."""
        return _Shared(self._engine)

    @property
    def home(self) -> str:
        """Name of the node that this process runs on."""
        return self.members()[0].name

    def members(self) -> list[Member]:
        """Return every node of the records, home first; on a blank box this machine alone."""
        with reading(self._engine) as session:
            rows = list(session.scalars(select(Node).order_by(Node.name)))
        found = [Member(row.name, row.home or row.name == self._here, *_where(row)) for row in rows]
        homes = [member for member in found if member.home]
        if not homes:
            homes = [Member(self._here, home=True, address="", host_key="", state="active")]
        return [homes[0], *(member for member in found if member.name != homes[0].name)]

    def target(self, name: str) -> Target:
        """How another node's libvirt reaches this one, for a migration."""
        member = next((m for m in self.members() if m.name == name), None)
        if member is None:
            raise KeyError(name)
        return Target(name, uri(member.address), member.address)

    def reach(self, name: str, address: str, host_key: str) -> Host:
        """Return a node that is not of the box yet: known by the key that it brought along."""
        with self._lock:
            known = self._strangers.get((name, address, host_key))
            if known is None:
                known = NodeHost(name, self._place(address, host_key))
                self._strangers[(name, address, host_key)] = known
            return known

    def look(self) -> None:
        """See which nodes answer, all at once; tell their drivers and the records."""
        others = [self._for(m) for m in self.members() if not m.home and m.state not in OUTSIDE]
        threads = [threading.Thread(target=self._look_at, args=(held,)) for held in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def why_away(self, name: str) -> str | None:
        """Return why a node does not answer, None for one that does (or was not asked yet)."""
        with self._lock:
            held = self._held.get(name)
        try:
            if held is not None and held.host is not None:
                held.host.check()
        except NodeUnreachable as error:
            return str(error.fields.get("why", error))
        return None

    def _for(self, member: Member) -> _Held:
        with self._lock:
            held = self._held.get(member.name)
            wanted = (member.home, member.address, member.host_key)
            if held is not None:
                if (held.member.home, held.member.address, held.member.host_key) == wanted:
                    return held
                if held.host is not None:
                    held.host.close()
            made = self._make(member)
            self._held[member.name] = made
            return made

    def _make(self, member: Member) -> _Held:
        if member.home:
            local = LocalHost()
            own: Any = KvmDriver()
            return _Held(
                member, NodeDrivers(own, self._dir(local), local, uri(member.address)), None
            )
        host = NodeHost(member.name, self._place(member.address, member.host_key))
        engine = cast(
            "HypervisorDriver", _Gated(KvmDriver(uri(member.address)), _gate(member.name, host))
        )
        return _Held(member, NodeDrivers(engine, self._dir(host), host, uri(member.address)), host)

    def _dir(self, host: Host) -> NodeStorage:
        images = {"guest-base": GUEST_BASE / "disk.qcow2"}
        made: Any = DirStorage(self._settings.state / "volumes", host, images)
        return cast("NodeStorage", made)

    def _place(self, address: str, host_key: str) -> Place:
        return Place(address, "root", self._settings.keys / SSH_KEY, host_key=host_key)

    def _look_at(self, held: _Held) -> None:
        if held.host is None:
            return
        why = held.host.probe()
        held.misses = held.misses + 1 if why else 0
        if why and held.misses >= _MISSES:
            held.host.away(why)
            self._note(held, why)
        elif not why:
            held.host.back()
            self._note(held, None)

    def _note(self, held: _Held, why: str | None) -> None:
        with reading(self._engine) as session:
            row = session.get(Node, held.member.name)
            changed = row is not None and row.why != why
        if not changed and (why or clock.monotonic() - held.noted < _NOTE):
            return
        held.noted = clock.monotonic()

        def work(session: Session) -> None:
            row = session.get(Node, held.member.name)
            if row is not None:
                row.why = why
                row.seen_at = row.seen_at if why else clock.iso()

        with transaction(self._engine) as session:
            work(session)


class _Shared(Mapping[str, StorageDriver]):
    """`rbd`, once the records say that it was set up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: StorageDriver | None = None

    def __getitem__(self, name: str) -> StorageDriver:
        if name not in set(self):
            raise KeyError(name)
        if self._made is None:
            # Late: a box of one node never needs it.
            from controller.drivers.storage_rbd import RbdStorage  # noqa: PLC0415 - see above

            self._made = cast("StorageDriver", RbdStorage(LocalHost()))
        return self._made

    def __iter__(self) -> Iterator[str]:
        with reading(self._engine) as session:
            made = select(Storage.name).where(Storage.kind == "rbd", Storage.state != "making")
            return iter(list(session.scalars(made)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def uri(address: str) -> str:
    """Return how libvirt of a node is reached from another: TLS, both sides proved by certificates."""
    shown = f"[{address}]" if ":" in address else address
    return f"qemu+tls://{shown}/system"


def known_hosts(members: Mapping[str, str]) -> str:
    """Return the text of an OpenSSH known_hosts file for address -> key."""
    return "".join(f"{address} {key}\n" for address, key in sorted(members.items()))


def _where(row: Node) -> tuple[str, str, str]:
    return row.address, row.host_key, row.state


def _gate(name: str, host: NodeHost) -> Callable[[], None]:
    def check() -> None:
        try:
            host.check()
        except NodeUnreachable as error:
            raise EngineUnavailable(why=f"{name}: {error.fields.get('why')}") from error

    return check


class _Gated:
    """A driver whose methods ask first whether the node is there at all."""

    def __init__(self, inner: object, gate: Callable[[], None]) -> None:
        self._inner = inner
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def asked(*args: Any, **options: Any) -> Any:
            self._gate()
            return found(*args, **options)

        return asked


def folder(settings: Settings) -> Path:
    """Where the controller keeps what it knows of the nodes: certificates, inventories (root only)."""
    made = settings.state / "nodes"
    with contextlib.suppress(FileExistsError):
        made.mkdir(mode=0o700)
    return made
