"""Runs inside a lab node: a box's state of its own, jobs submitted and worked as the product does.

Usage: rig.py STATE prepare | submit KIND JSON | dump
       rig.py STATE work [--die STEP PHASE] [--libvirtd STEP PHASE] [--seconds N]
       rig.py STATE suite URI KIND
Several of these, one after the other in one process, are joined by a `+`.
Only the boundary callback is the test's: it kills this very process (--die), or libvirtd.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from appliance.host import LocalHost
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller import work
from controller.actions import ACTIONS
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.drivers.base import Boot, Disk, Link, VmSpec
from controller.drivers.kvm import KvmDriver
from controller.drivers.suite import conform
from controller.jobs.lease import SoleWorker
from controller.jobs.queue import submit
from controller.records.migrate import upgrade
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, Job, JobLine, JobStep, Module, Node, Vm, Volume

OPTIONS = ("--die", "--libvirtd", "--seconds")
PEOPLE = {"system": "sysadmin", "security": "secadmin", "audit": "audadmin"}


def prepare(settings: Settings) -> None:
    """Keys, records, one node, three administrators."""
    for name in ("audit", "report", "policy"):
        SigningKey.load_or_new(settings.keys / f"{name}.key")
    upgrade(settings.database)
    with transaction(open_records(settings.database)) as session:
        session.add(Node(name=socket.gethostname(), accelerator="tcg"))
        for role, name in PEOPLE.items():
            session.add(Account(id=role, name=name, role=role, created_at="now"))


def ask(settings: Settings, kind: str, raw: dict) -> str:
    """Submit as the web process does; return the job's id."""
    action = ACTIONS[kind].from_json(raw)
    role = next(r for r in Role if r in action.roles)
    with transaction(open_records(settings.database)) as session:
        return submit(session, Principal(role, PEOPLE[role], role, via="rig"), action).id


def run(settings: Settings, hits: dict[str, tuple[str, ...] | None], seconds: float) -> None:
    """Work until no job is left (or `seconds` are over), killing at the given boundaries."""
    stop = threading.Event()

    def boundary(_job: str, step: str, phase: str) -> None:
        if hits["--die"] == (step, phase):
            os.kill(os.getpid(), signal.SIGKILL)
        if hits["--libvirtd"] == (step, phase):
            LocalHost().run(["systemctl", "kill", "--signal=KILL", "libvirtd.service"])

    def watch() -> None:
        end = time.monotonic() + seconds
        engine = open_records(settings.database)
        while time.monotonic() < end and left(engine):
            time.sleep(0.3)
        time.sleep(0.2)  # the ledger is forgotten just after the row's end
        stop.set()

    sole = SoleWorker(settings.state / "worker" / "lock")
    threading.Thread(target=watch, daemon=True).start()
    work.work(work.home_site(settings), stop, boundary)
    sole.release()


def left(engine) -> bool:
    """Whether any job has not ended."""
    with reading(engine) as session:
        states = session.scalars(select(Job.state)).all()
    return any(state in ("waiting", "running", "undoing") for state in states)


def dump(settings: Settings) -> dict:
    """Everything that a job may leave behind."""
    site = work.home_site(settings)
    drivers = site.nodes[socket.gethostname()]
    with reading(site.engine) as session:
        tables = {
            table.__tablename__: [
                {c.name: getattr(row, c.name) for c in table.__table__.columns}
                for row in session.scalars(select(table))
            ]
            for table in (Job, JobStep, JobLine, Vm, Volume, Module)
        }
    return {
        **tables,
        "domains": {vm: str(power) for vm, power in drivers.hypervisor.states().items()},
        "owners": sorted(drivers.storage.owners()),
        "ledger": sorted(p.name for p in (settings.state / "worker").glob("*.jsonl")),
    }


def conformance(settings: Settings, uri: str, kind: str) -> None:
    """The drivers' shared suite against libvirt at `uri`."""
    site = work.home_site(settings)
    storage = site.nodes[socket.gethostname()].storage
    vm = "6f1c1b1e-0000-4000-8000-00000000c0de"
    storage.clone(f"{vm}/system", "guest-base", 2)
    boot = site.boot() if kind != "test" else Boot(Path("/vmlinuz"), Path("/initrd"), "")
    spec = VmSpec(
        vm,
        "suite",
        1,
        256,
        (Disk(storage.source(f"{vm}/system"), "system"),),
        (Link("br-int", "52:54:00:00:c0:de", "hmsuite"),),
        boot,
        storage.console(vm),
    )
    conform(KvmDriver(uri, kind=kind), spec)
    storage.forget(vm)


def main() -> None:
    """Do one thing after the other; `+` stands between them."""
    os.umask(0o022)  # a hardened login's umask would keep QEMU out of folders that tmpfiles.d opens
    state, *words = sys.argv[1:]
    settings = replace(Settings(), state=Path(state), lease=5)
    while words:
        end = words.index("+") if "+" in words else len(words)
        (verb, *rest), words = words[:end], words[end + 1 :]
        do(settings, verb, rest)


def do(settings: Settings, verb: str, rest: list[str]) -> None:
    """Do one thing."""
    if verb == "prepare":
        prepare(settings)
    elif verb == "submit":
        sys.stdout.write(ask(settings, rest[0], json.loads(rest[1])) + "\n")
    elif verb == "work":
        after = {name: rest[rest.index(name) + 1 :] if name in rest else [] for name in OPTIONS}
        hits = {name: tuple(words[:2]) or None for name, words in after.items()}
        run(settings, hits, float((after["--seconds"] or ["400"])[0]))
    elif verb == "suite":
        conformance(settings, rest[0], rest[1] if len(rest) > 1 else "")
    else:
        sys.stdout.write(json.dumps(dump(settings)) + "\n")


main()
