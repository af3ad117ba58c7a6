"""The worker process: takes jobs from the records and carries them out, as root, until it is ended."""

import signal
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace

from appliance.settings import Settings, load
from appliance.signing import SigningKey
from controller.actions import ACTIONS
from controller.actions.base import Action
from controller.jobs.desk import Boundary, Desk, unwatched
from controller.jobs.lease import SoleWorker
from controller.jobs.ledger import Ledger
from controller.jobs.log import tell
from controller.jobs.runner import Runner, Trade
from controller.jobs.steps import Step
from controller.records.session import open_records
from controller.workers import (
    WORKERS,
    assessing,
    consoles,
    records_copies,
    storage_watch,
    supervision,
    templates,
)
from controller.workers.fleet import Fleet
from controller.workers.gateway import renew_certificates
from controller.workers.health import ask_all
from controller.workers.index import Index
from controller.workers.metrics import observe
from controller.workers.nodes import know
from controller.workers.nodes_network import spread
from controller.workers.nodes_trust import renew_node_certificates
from controller.workers.seals import Seals
from controller.workers.site import Site
from controller.workers.watch import Chore, inspect_all, resync, tend_all

PATIENCE = 30.0  # seconds that a job waits for a database that restarts
_BEAT = 0.3  # seconds between two looks for work
_SLOW_BEAT = 5.0


def main(settings: Settings | None = None, *, boundary: Boundary = unwatched) -> int:
    """Run until SIGTERM or SIGINT. `boundary` is told of every step boundary (for crash tests)."""
    settings = settings or load()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    sole = SoleWorker(settings.state / "worker" / "lock")
    work(home_site(settings), stop, boundary)
    sole.release()
    return 0


def work(site: Site, stop: threading.Event, boundary: Boundary = unwatched) -> None:
    """Carry out jobs and look after things until `stop` is set."""
    state = site.settings.state
    seals = Seals(
        state / "audit" / "seals.jsonl", SigningKey.load(site.settings.keys / "audit.key")
    )
    desk = Desk(site.engine, Ledger(state / "worker"), boundary)

    def plan(job_id: str, action: Action) -> Sequence[Step]:
        return WORKERS[action.kind](action, replace(site, job_id=job_id))

    trade = Trade(ACTIONS, plan, seals.last)
    runner = Runner(desk, trade, socket.gethostname(), lease=site.settings.lease)
    watchers = [
        threading.Thread(target=deed, args=(site, stop), name=deed.__name__, daemon=True)
        for deed in (watch, watch_nodes, watch_storage, watch_slowly)
    ]
    runner.start()
    for watcher in watchers:
        watcher.start()
    tell("worker ready")
    chores = [
        Chore("claim", 0.0, runner.tick),
        Chore("audit seal", 1.0, lambda: seals.seal(site.engine)),
    ]
    while not stop.is_set():
        runner.freed.wait(_BEAT)  # a place that became free is taken at once
        runner.freed.clear()
        tend_all(chores)
    runner.stop()


def watch(site: Site, stop: threading.Event) -> None:
    """Look after what is really there until `stop` is set; slow answers hold no job up."""
    index = Index(site)
    chores = [
        Chore("inventory", 600.0, lambda: know(site)),
        Chore("resync", 10.0, lambda: resync(site)),
        Chore("drift", 60.0, lambda: inspect_all(site)),
        Chore("figures", 15.0, lambda: observe(site)),
        Chore("console sockets", 60.0, lambda: consoles.sweep(site)),
        Chore("module health", 60.0, lambda: ask_all(site)),
        Chore("gateway certificates", 43_200.0, lambda: renew_certificates(site)),
        *supervision.chores(site, index),
    ]
    while not stop.wait(_BEAT):
        tend_all(chores)


def watch_nodes(site: Site, stop: threading.Event) -> None:
    """See which nodes answer until `stop` is set, and bring those that came back up to date."""
    fleet = site.nodes
    if not isinstance(fleet, Fleet):
        return
    chores = [
        Chore("nodes", 3.0, fleet.look),
        Chore("node network", 20.0, lambda: spread(site)),
        Chore("node certificates", 43_200.0, lambda: renew_node_certificates(site)),
    ]
    while not stop.wait(_BEAT):
        tend_all(chores)


def watch_storage(site: Site, stop: threading.Event) -> None:
    """See how the replicated storage is until `stop` is set; a cluster that is silent holds up nothing else."""
    chores = [Chore("storage", storage_watch.EVERY, lambda: storage_watch.look(site))]
    while not stop.wait(_BEAT):
        tend_all(chores)


def watch_slowly(site: Site, stop: threading.Event) -> None:
    """Do what comes once a day until `stop` is set, beside all else."""
    chores = [
        *supervision.slow_chores(site),
        Chore("scheduled inspection", assessing.EVERY, lambda: assessing.tend(site)),
        Chore("templates", 86_400.0, lambda: templates.look_at_all(site)),
        Chore("records copies", records_copies.EVERY, lambda: records_copies.spread(site)),
    ]
    while not stop.wait(_SLOW_BEAT):
        tend_all(chores)


def home_site(settings: Settings) -> Site:
    """Return the site of this box: every node that its records name, this machine first."""
    records = open_records(settings.database, patience=PATIENCE)
    fleet = Fleet(settings, records)
    return Site(settings, records, fleet, shared=fleet.shared)
