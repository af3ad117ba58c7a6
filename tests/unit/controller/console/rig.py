"""The console process for real on loopback, and a worker whose machines are the fake's: nothing is mocked."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect, unix_connect

from appliance import chance, clock
from appliance.ca import Authority
from controller.access import sessions, tickets
from controller.access.sessions import COOKIE
from controller.actions.base import Role
from controller.actions.consoles import OpenConsole
from controller.actions.principal import Principal
from controller.console.server import Consoles
from controller.drivers.base import Boot, VmSpec
from controller.records.cluster import ConsoleSession
from controller.records.session import reading, transaction
from controller.records.tables import Account, AuditEntry, Node, Vm
from tests.unit.controller.workers.box import PEOPLE, Box


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Rig:
    """A box, its running machine, its console process."""

    folder: Path
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    lines: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.box = Box.new(self.folder)
        self.run = Path(
            tempfile.mkdtemp(prefix="hbox-con-")
        )  # short: a socket's path has 107 bytes
        self.settings = replace(self.box.settings, run=self.run, screen_port=free_port())
        self.box.site = replace(self.box.site, settings=self.settings)
        tls = self.settings.state / "tls"
        tls.mkdir()
        authority = Authority(tls / "ca.crt", tls / "ca.key")
        authority.ensure("测试医院")
        names = ["localhost", "127.0.0.1"]
        authority.issue(tls / "server.crt", tls / "server.key", names=names, site="测试医院")
        self.tls = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        self.vm_id = self.machine("m1")
        self.serve()

    def machine(self, name: str, *, actual="running") -> str:
        vm_id = chance.new_id()
        boot = Boot(Path("/k"), Path("/i"), "")
        spec = VmSpec(vm_id, name, 1, 64, (), (), boot, Path("/dev/null"), screen=Path("/x"))
        fake = self.box.site.nodes["n0"].hypervisor
        fake.define(spec)
        if actual == "running":
            fake.start(vm_id)
        with transaction(self.box.engine) as session:
            if session.get(Node, "n0") is None:
                session.add(Node(name="n0"))
                session.flush()
            number = session.query(Vm).count() + 10
            session.add(
                Vm(
                    id=vm_id, name=name, node="n0", zone="intranet", address=f"10.66.0.{number}",
                    mac=f"52:54:00:00:00:{number}", vcpus=1, memory_mib=64, disk_gib=1,
                    wished=actual, actual=actual, job_id="-", created_at=clock.iso(),
                )
            )  # fmt: skip
        return vm_id

    def serve(self) -> None:
        self.stop = asyncio.Event()
        self.consoles = Consoles(self.settings, self.box.engine)
        ready = self.run / tickets.SOCKET
        self.thread = threading.Thread(
            target=lambda: self.loop.run_until_complete(self.consoles.run(self.stop)), daemon=True
        )
        self.thread.start()
        until(lambda: ready.exists() and (ready.stat().st_mode & 0o777) == 0o666)

    def halt(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stop.set)
            self.thread.join(10)

    def close(self) -> None:
        self.halt()
        self.lines.close()
        self.loop.close()
        shutil.rmtree(self.run)
        self.box.engine.dispose()

    def opened(self, what="serial", who="sam") -> str:
        """Have a console opened by the worker; return the session."""
        action = OpenConsole(self.vm_id, chance.new_id(), what)
        job = self.box.done(who, action)
        assert job.state == "succeeded", job.error
        return action.session_id

    def ticket(self, session_id: str, who="sam") -> str:
        return tickets.issue(self.box.engine, self.person(who), session_id).reveal()

    def person(self, who: str) -> Principal:
        return Principal(who, who, PEOPLE[who])

    def shell(self, ticket: str) -> ClientConnection:
        door = unix_connect(str(self.run / tickets.SOCKET), "ws://hbox/", compression=None)
        line = self.lines.enter_context(door)
        line.send(ticket)
        return line

    def browser(
        self, ticket: str, *, cookie="", origin="https://127.0.0.1:8443"
    ) -> ClientConnection:
        door = connect(
            f"wss://127.0.0.1:{self.settings.screen_port}/",
            ssl=self.tls,
            origin=origin,
            additional_headers={"Cookie": f"{COOKIE}={cookie}"} if cookie else {},
            compression=None,
        )
        line = self.lines.enter_context(door)
        with contextlib.suppress(ConnectionClosed):  # it may be refused before that
            line.send(ticket)
        return line

    def login(self, who: str) -> str:
        with transaction(self.box.engine) as session:
            return sessions.begin(session, session.get(Account, who))[0]

    def row(self, session_id: str) -> ConsoleSession:
        with reading(self.box.engine) as session:
            return session.get(ConsoleSession, session_id)

    def trail(self, act: str) -> list[AuditEntry]:
        with reading(self.box.engine) as session:
            return list(session.scalars(select(AuditEntry).where(AuditEntry.act == act)))


def until(true, limit=10.0) -> None:
    end = clock.monotonic() + limit
    while not true():
        assert clock.monotonic() < end, "it never came about"
        clock.pause(0.02)


__all__ = ["Rig", "Role", "until"]
