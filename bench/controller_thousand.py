"""A controller that knows 1,000 machines of a fake hypervisor: its web process, and its worker."""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance import chance, clock, nic
from appliance.ca import Authority
from appliance.settings import Settings
from appliance.signing import SigningKey
from bench.controller_worker import NODE
from controller.access import people, tokens
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.actions.rights import Right, Scope
from controller.drivers.base import Boot, Link, VmSpec
from controller.drivers.fake import FakeHypervisor
from controller.records.migrate import upgrade
from controller.records.session import open_records, transaction
from controller.records.tables import Account, Node, Vm

MACHINES = 1000
UNITS = Path(__file__).parents[1] / "appliance/rootfs/usr/lib/systemd/system"


@dataclass(frozen=True)
class Controller:
    folder: Path
    port: int
    key: str
    context: ssl.SSLContext
    web: int
    worker: int | None

    @property
    def database(self) -> Path:
        return self.folder / "db" / "hbox.sqlite"


@contextlib.contextmanager
def running(*, worker: bool) -> Iterator[Controller]:
    """Give a controller with the machines, served on loopback over TLS; taken down at the end."""
    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as text:
        folder, port = Path(text), _free_port()
        key = _records(_settings(folder, port))
        kinds = ("web", "worker") if worker else ("web",)
        programs = [
            subprocess.Popen(
                [sys.executable, "-m", f"bench.controller_{kind}", text, str(port)],
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_environment(kind)},
            )
            for kind in kinds
        ]
        try:
            _wait(port)
            context = ssl.create_default_context(cafile=str(folder / "tls" / "ca.crt"))
            pids = [program.pid for program in programs]
            yield Controller(folder, port, key, context, pids[0], pids[1] if worker else None)
        finally:
            for program in programs:
                program.terminate()
                program.wait(30)


def _environment(kind: str) -> dict[str, str]:
    """What the unit gives the process on the box: how its memory is handed back, above all."""
    unit = UNITS / f"hbox-{kind}.service"
    lines = [line for line in unit.read_text().splitlines() if line.startswith("Environment=")]
    pairs = [word.partition("=") for line in lines for word in line.split("=", 1)[1].split()]
    return {name: value for name, _, value in pairs}


def _settings(folder: Path, port: int) -> Settings:
    return Settings(state=folder, run=folder / "run", console_port=port)


def _records(settings: Settings) -> str:
    for name in ("uploads", "audit", "reports", "gateway", "tls", "keys", "run", "worker"):
        (settings.state / name).mkdir()
    for name in ("audit", "policy", "report"):
        SigningKey.load_or_new(settings.keys / f"{name}.key")
    tls = settings.state / "tls"
    authority = Authority(tls / "ca.crt", settings.keys / "ca.key")
    authority.ensure("bench")
    authority.issue(tls / "server.crt", tls / "server.key", names=["127.0.0.1"], site="bench")
    upgrade(settings.database)
    engine = open_records(settings.database)
    with transaction(engine) as session:
        people.ensure_administrators(session)
        session.add(Node(name=NODE))
        session.flush()
        session.add_all(_machines(settings.state / "fake" / NODE))
        owner = session.query(Account).filter_by(name="sysadmin").one()
        who = Principal(owner.id, owner.name, Role.SYSTEM, via="bench")
    key = tokens.issue(engine, who, tokens.Wanted("bench", Scope(Right.VIEW, "/"), 1)).key
    engine.dispose()
    return key


def _machines(root: Path) -> Iterator[Vm]:
    engine = FakeHypervisor(root)
    boot = Boot(Path("/boot/vmlinuz"), Path("/boot/initrd.img"), "-")
    for n in range(MACHINES):
        vm_id, address = chance.new_id(), f"10.66.{n // 200}.{10 + n % 200}"
        mac = nic.mac(address)
        link = Link("br-int", mac, nic.tap(address))
        spec = VmSpec(
            id=vm_id, name=f"vm-{n:04}", vcpus=2, memory_mib=512, disks=(), links=(link,), boot=boot,
            console=root / "console.log",
        )  # fmt: skip
        engine.define(spec)
        engine.start(vm_id)
        yield Vm(
            id=vm_id, name=f"vm-{n:04}", node=NODE, zone="intranet", address=address, mac=mac,
            vcpus=2, memory_mib=512, disk_gib=4, wished="running", actual="running",
            actual_at=clock.iso(), job_id=chance.new_id(), created_at=clock.iso(), agent=True,
            placement={"node": NODE, "why": {"zh": "节点余量最大", "en": "most room"}},
        )  # fmt: skip


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the web process did not come up")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
