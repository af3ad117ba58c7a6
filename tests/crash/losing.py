"""The database lost in the middle of a job: at a step boundary, or in the middle of one of its transactions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from tests.crash.killing import Trial
from tests.crash.world import World
from tests.postgres import Server

WAYS = ("boundary", "commit", "committed")
"""Lost at a step boundary; before a commit is asked for; after it was made, before the answer came."""


LEASE = 1.0  # seconds after which a job that was put aside without records is gone on with


@dataclass(frozen=True)
class Loss:
    """The `number`-th boundary or commit of the job (see WAYS), pg_ctl's stop mode, seconds until it is back.

    `patience`: seconds that the worker waits before it puts the job aside.
    """

    way: str
    number: int
    mode: str
    seconds: float
    patience: float

    def __str__(self) -> str:
        away = f"away {self.seconds:.1f} s, awaited {self.patience:.0f} s"
        return f"{self.way} {self.number}, {self.mode}, {away}"


class Outage:
    """Counts what happens, and takes the server away once, when it has come so far."""

    def __init__(self, server: Server, loss: Loss | None) -> None:
        self.seen = dict.fromkeys(WAYS, 0)
        self.hit = False
        self._server = server
        self._loss = loss
        self._lock = threading.Lock()
        self._back: threading.Timer | None = None

    def boundary(self, _job: str, _step: str, _phase: str) -> None:
        """Listens at the step boundaries."""
        self._met("boundary")

    def commit(self, connection: Any) -> None:
        """Listens where a transaction is about to be committed."""
        self._met("commit")
        if self._met("committed", before=connection.connection.dbapi_connection.commit):
            connection.exec_driver_sql("SELECT 1")  # the answer that never comes

    def wait(self) -> None:
        """The server is there again."""
        if self._back is not None:
            self._back.join()

    def _met(self, way: str, before: Callable[[], object] = lambda: None) -> bool:
        with self._lock:
            self.seen[way] += 1
            loss = self._loss
            if self.hit or loss is None or (way, self.seen[way]) != (loss.way, loss.number):
                return False
            self.hit = True
        before()
        self._server.control("stop", "-m", loss.mode)
        self._back = threading.Timer(loss.seconds, self._server.control, ("start",))
        self._back.start()
        return True


@contextmanager
def listening(world: World, outage: Outage) -> Iterator[None]:
    """The outage hears of every transaction of this world that writes."""

    def heard(connection: Any) -> None:
        if not connection.get_execution_options().get("hbox_reading", False):
            outage.commit(connection)

    event.listen(world.engine, "commit", heard)
    try:
        yield
    finally:
        event.remove(world.engine, "commit", heard)


def counted(trial: Trial, server: Server) -> dict[str, int]:
    """How many boundaries and commits the job has, undisturbed."""
    outage = Outage(server, None)
    _worked(trial, outage, trial.start())
    return outage.seen


def lost(trial: Trial, server: Server, loss: Loss) -> dict[str, Any]:
    """Do the job, losing the database once; return the end."""
    outage = Outage(server, loss)
    world = trial.start()
    world.patience, world.lease = loss.patience, LEASE
    world.around = trial.case.around
    world.__post_init__()
    _worked(trial, outage, world)
    outage.wait()
    assert outage.hit, f"never came to {loss}"
    job = world.last()
    assert job.state == "succeeded", f"{loss}: {job.state} {job.error} {world.lines(job.id)}"
    return trial.proper_picture(world)


def _worked(trial: Trial, outage: Outage, world: World) -> None:
    world.ask(trial.case.who, trial.action)
    with listening(world, outage):
        world.work(outage.boundary)
