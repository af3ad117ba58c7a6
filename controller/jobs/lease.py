"""Who works: one worker per machine (a file lock), and leases on jobs renewed while it lives."""

import datetime as dt
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, update

from appliance import clock
from appliance.errors import Conflict, Text
from controller.jobs.log import tell
from controller.records.session import RecordsAway, transaction
from controller.records.tables import Job


class WorkerRuns(Conflict):
    """Another worker process holds this machine's lock."""

    code = "worker.runs_already"
    text = Text("本机已有工作进程在运行", "A worker runs on this machine already")
    hint = Text("请先停止 hbox-worker 服务。", "Stop the hbox-worker service first.")


class SoleWorker:
    """Holds the machine's worker lock until the process ends; the kernel frees it at any death."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise WorkerRuns from error

    def release(self) -> None:
        """Let another worker take over."""
        os.close(self._descriptor)


def lease_end(seconds: float) -> str:
    """Return the instant `seconds` from now, in the records' form."""
    return clock.iso(clock.now() + dt.timedelta(seconds=seconds))


class Heartbeat:
    """Renews the leases of the jobs in hand (`held` says which), three times per lease."""

    def __init__(self, engine: Engine, held: Callable[[], frozenset[str]], lease: float) -> None:
        self._engine = engine
        self._held = held
        self._lease = lease
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)

    def start(self) -> None:
        """Begin renewing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def renew(self) -> None:
        """Renew once: every job in hand that has not ended meanwhile."""
        held = self._held()
        if not held:
            return
        running = update(Job).where(Job.id.in_(held), Job.state.in_(("running", "undoing")))
        with transaction(self._engine) as session:
            session.execute(running.values(lease_until=lease_end(self._lease)))

    def _beat(self) -> None:
        while not self._stop.wait(self._lease / 3):
            try:
                self.renew()
            except RecordsAway as error:
                # Busy for once: two more beats come before the lease ends.
                tell(f"lease not renewed: {error}")
