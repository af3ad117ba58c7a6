"""Runs inside a lab node: a box's state of its own, jobs submitted and worked as the product does.

Usage: rig.py STATE prepare | submit KIND JSON | inspect | dump
       rig.py STATE work [--die STEP PHASE] [--libvirtd STEP PHASE] [--do STEP PHASE SCRIPT] [--seconds N]
       rig.py STATE suite URI test|dir|rbd|agent
Several of these, one after the other in one process, are joined by a `+`.
Only the boundary callback is the test's: it kills this very process (--die), or libvirtd, or does
what a shell script says (--do), once.
"""

import faulthandler
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
from controller.drivers.storage_rbd import RbdStorage
from controller.drivers.suite import SUITE, conform
from controller.drivers.suite_bench import Bench
from controller.drivers.suite_guest import GUEST
from controller.jobs import runner
from controller.jobs.lease import SoleWorker
from controller.jobs.queue import submit
from controller.records.cluster import Template
from controller.records.migrate import upgrade
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, Job, JobLine, JobStep, Module, Node, Vm, Volume
from controller.workers.watch import inspect_all, resync

OPTIONS = ("--die", "--libvirtd", "--do", "--seconds")
runner._RETRY = 3.0  # what was put aside is tried again soon: nothing here is busy
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
        if hits["--do"] and hits["--do"][:2] == (step, phase):
            script, hits["--do"] = hits["--do"][2], None
            LocalHost().run(["sh", "-euc", script])

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
            for table in (Job, JobStep, JobLine, Vm, Volume, Module, Template)
        }
    return {
        **tables,
        "domains": {vm: str(power) for vm, power in drivers.hypervisor.states().items()},
        "owners": sorted(drivers.storage.owners()),
        "ledger": sorted(p.name for p in (settings.state / "worker").glob("*.jsonl")),
    }


_SUITE = 600.0  # seconds; less than the host and the test wait
SUITE_VM = "6f1c1b1e-0000-4000-8000-00000000c0de"


def conformance(settings: Settings, uri: str, what: str) -> None:
    """The drivers' shared suite against libvirt at `uri`; `what`: test, dir, rbd, or agent."""
    faulthandler.dump_traceback_later(_SUITE, exit=True)  # where it hangs, instead of silence
    own = work.home_site(settings).home.storage
    storage = RbdStorage(LocalHost()) if what == "rbd" else own
    volumes = [f"{SUITE_VM}/{kind}" for kind in ("system", "more")]
    storage.clone(volumes[0], "guest-base", 2) if what == "agent" else storage.create(volumes[0], 1)
    storage.create(volumes[1], 1)
    driver = KvmDriver(uri, kind="test" if what == "test" else "")
    bench = Bench(
        driver,
        VmSpec(
            SUITE_VM,
            "suite",
            1,
            512 if what == "agent" else 256,
            (Disk(storage.source(volumes[0]), "system"),),
            (Link("br-int", "52:54:00:00:c0:de", "hmsuite"),),
            boot_of(settings, what),
            own.console(SUITE_VM),
        ),
        disk=Disk(storage.source(volumes[1]), "more"),
        link=Link("br-ext", "52:54:00:00:c0:df", "hmsuite2"),
        ready=answers if what == "agent" else prompts,
        agent=what == "agent",
    )
    try:
        kept = conform(bench, GUEST[-1:] if what == "agent" else SUITE)
    finally:
        for volume in volumes:
            storage.erase(volume)
        own.forget(SUITE_VM)
    sys.stdout.write(json.dumps(kept) + "\n")


def boot_of(settings: Settings, what: str) -> Boot:
    """The guest base; or its kernel and first root alone, with a shell on the serial line: 256 MiB."""
    if what == "test":
        return Boot(Path("/vmlinuz"), Path("/initrd"), "")
    base = work.home_site(settings).boot()
    return base if what == "agent" else replace(base, command_line="console=ttyS0 rdinit=/bin/sh")


def prompts(driver: KvmDriver, vm: str) -> None:
    """Wait until the shell on the serial line answers."""
    line, said = driver.serial(vm), bytearray()

    def listen() -> None:
        while more := line.read():
            said.extend(more)

    # Asked again and again, and heard by another thread: QEMU drops what a guest says before it has
    # noticed that somebody listens, and reading a silent line has no end.
    threading.Thread(target=listen, name="prompts", daemon=True).start()
    end = time.monotonic() + 240
    while b"# " not in said:
        if time.monotonic() > end:
            raise TimeoutError(bytes(said[-500:]))
        line.write(b"\r")
        time.sleep(0.5)
    line.close()


def answers(driver: KvmDriver, vm: str) -> None:
    """Wait until the guest's agent answers."""
    end = time.monotonic() + 420
    while not driver.ping(vm):
        if time.monotonic() > end:
            raise TimeoutError(vm)
        time.sleep(1)


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
    elif verb == "inspect":
        site = work.home_site(settings)
        resync(site)
        inspect_all(site)
    elif verb == "submit":
        sys.stdout.write(ask(settings, rest[0], json.loads(rest[1])) + "\n")
    elif verb == "work":
        after = {name: rest[rest.index(name) + 1 :] if name in rest else [] for name in OPTIONS}
        hits = {
            name: tuple(words[: 3 if name == "--do" else 2]) or None
            for name, words in after.items()
        }
        run(settings, hits, float((after["--seconds"] or ["400"])[0]))
    elif verb == "suite":
        conformance(settings, rest[0], rest[1])
    else:
        sys.stdout.write(json.dumps(dump(settings)) + "\n")


main()
