"""Runs inside a lab node in place of its worker: the product's own, that once, where an order says, dies or waits.

The order lies in a file (see interrupt.py) and is read at every step boundary, so that this process
stands from before the job to after it. Only the boundary callback is the test's.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import select

from appliance.settings import load
from controller import work
from controller.records.session import open_records, reading
from controller.records.tables import Job, JobStep

PLACE = Path("/run/hbox-interrupt")
ORDER, FELL = PLACE / "order.json", PLACE / "fell.json"
FORWARD = ("begun", "within", "done", "recorded")
LONGEST = 8.0  # seconds into a step at which it may be cut off


class Fate:
    """Decides at each boundary whether this is the one."""

    def __init__(self) -> None:
        self._engine = open_records(load().database)
        self._lock = threading.Lock()

    def boundary(self, job: str, step: str, phase: str) -> None:
        """Die here, in a moment, or not at all."""
        order = _order()
        if order is None or not step or self._kind(job) != order["kind"]:
            return
        wanted, when, delay = self._chosen(job, order)
        if step != wanted:
            return
        if order["waits"]:
            if phase == when:
                self._wait(job, step, phase)
            return
        if when == "within" and phase == "begun":
            late = threading.Timer(delay, self._die, (job, step, f"within after {delay:.2f} s"))
            late.daemon = True
            late.start()
        elif phase == when or (when == "within" and phase == "done"):
            self._die(job, step, phase)

    def _chosen(self, job: str, order: dict) -> tuple[str, str, float]:
        """The boundary of this job that the seed means; the same however often it is asked."""
        with reading(self._engine) as session:
            mine = select(JobStep.key).where(JobStep.job_id == job).order_by(JobStep.position)
            keys = list(session.scalars(mine))
        chance = random.Random(order["seed"])  # noqa: S311 - a sample, not a secret
        step, phase = chance.choice(keys), chance.choice(FORWARD)
        delay = LONGEST * chance.random() ** 2
        step, phase = order["at"] or (step, phase)
        return step, phase, delay

    def _kind(self, job: str) -> str:
        with reading(self._engine) as session:
            row = session.get(Job, job)
        return row.kind if row is not None else ""

    def _die(self, job: str, step: str, phase: str) -> None:
        with self._lock:
            if _order() is not None:
                _note(job, step, phase)
                os.kill(os.getpid(), signal.SIGKILL)

    def _wait(self, job: str, step: str, phase: str) -> None:
        _note(job, step, phase)
        while ORDER.exists():
            time.sleep(0.05)


def _note(job: str, step: str, phase: str) -> None:
    """Say where it was, on disk before anything else happens; whole or not at all."""
    new = FELL.with_suffix(".new")
    with new.open("w") as file:
        json.dump({"job": job, "step": step, "phase": phase}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(FELL)


def _order() -> dict | None:
    """What is to be done, None once it was done."""
    if FELL.exists():
        return None
    try:
        return json.loads(ORDER.read_bytes())
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    os.umask(0o007)
    sys.exit(work.main(boundary=Fate().boundary))
