"""The worker's loop: claims jobs whose locks are free, judges them, runs up to sixteen at once.

Crash-only: stopping the worker is the same as killing it. What was in hand lies in the ledger and
is gone on with, or undone, by the next worker.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import BoxError
from controller.actions.base import Action
from controller.jobs import claim, rows
from controller.jobs.desk import Desk
from controller.jobs.execution import Execution
from controller.jobs.lease import Heartbeat, lease_end
from controller.jobs.ledger import Progress
from controller.jobs.log import tell
from controller.jobs.queue import binding
from controller.jobs.states import FINAL, State, advance
from controller.jobs.steps import Step
from controller.jobs.trust import Actions, Sealed, derive
from controller.records.session import RecordsAway, reading, transaction
from controller.records.tables import AuditEntry, Job

# Most jobs wait: for a disk, an engine, a guest that boots. Sixteen made fifty machines in half the time of
# four; more than that only wait for the records' one writer.
SLOTS = 16
_RETRY = 30.0  # seconds until a job that could not be gone on with is tried again


@dataclass(frozen=True)
class Trade:
    """What this worker knows to do: actions by kind, their steps, and its last seal."""

    actions: Actions
    plan: Callable[[str, Action], Sequence[Step]]
    sealed: Callable[[], Sealed]


class Runner:
    """Runs jobs. `worker` names this process in the rows; `lease` in seconds."""

    def __init__(self, desk: Desk, trade: Trade, worker: str, *, lease: float = 30.0) -> None:
        self._desk = desk
        self._trade = trade
        self._worker = worker
        self._lease = lease
        self._hand: dict[str, threading.Thread] = {}
        self._wanted: dict[str, frozenset[str]] = {}  # what each accepted job holds, by its action
        self.freed = threading.Event()  # set when a job has left this worker's hands
        self._lock = threading.Lock()
        self._heartbeat = Heartbeat(desk.engine, self.in_hand, lease)

    def in_hand(self) -> frozenset[str]:
        """Ids of the jobs that run now."""
        with self._lock:
            return frozenset(self._hand)

    def start(self) -> None:
        """Take up what the last worker left, then keep leases alive."""
        self.recover()
        self._heartbeat.start()

    def stop(self) -> None:
        """Renew no more leases; what is in hand is the next worker's."""
        self._heartbeat.stop()

    def recover(self) -> None:
        """Go on with every job in the ledger that has not ended."""
        for job_id in self._desk.ledger.jobs():
            progress = self._desk.ledger.read(job_id)
            with transaction(self._desk.engine) as session:
                # The audit entry alone is a row like any other: the ledger must say so too.
                ended = progress is not None and progress.closing and _ended(session, job_id)
                if not ended:
                    self._adopt(session, job_id)
            if ended:
                self._desk.ledger.forget(job_id)
            else:
                self._begin(job_id)

    def tick(self) -> bool:
        """Claim what may begin; return whether anything did."""
        with reading(self._desk.engine) as session:
            self._part(session)
            if not claim.pending(session, room=len(self.in_hand()) < SLOTS):
                return False
        with transaction(self._desk.engine) as session:
            claimed = self._claim(session)
        for job_id in claimed:
            self._begin(job_id)
        return bool(claimed)

    def settle(self, limit: float) -> bool:
        """Wait until no job is in hand, at most `limit` seconds each; return whether so."""
        for thread in list(self._hand.values()):
            thread.join(limit)
        return not self.in_hand()

    def _part(self, session: Session) -> None:
        """Forget what ended without our hearing of it: the records made the last commit, then went away."""
        held = self.in_hand()
        for job_id in frozenset(self._desk.ledger.jobs(held)) - held:
            progress = self._desk.ledger.read(job_id)
            if progress is not None and progress.closing and _ended(session, job_id):
                self._desk.ledger.forget(job_id)

    def _claim(self, session: Session) -> list[str]:
        claimed = []
        ledger = frozenset(self._desk.ledger.jobs(self.in_hand()))
        for job in claim.lapsed(session):
            if job.id in self.in_hand():
                continue
            if job.id in ledger:
                claim.take(job, self._worker, self._lease)
                claimed.append(job.id)
            else:
                # In hand by its row, but nobody ever accepted it: it is judged like any new one.
                job.state = str(State.WAITING)
        for job in claim.set_back(session, ledger):
            self._adopt(session, job.id)
            if job.id not in self.in_hand():
                claimed.append(job.id)
        session.flush()
        slots = SLOTS - len(claimed) - len(self.in_hand())
        begin = claim.free(session, slots, self._holding(session, ledger))
        return claimed + [job.id for job in begin if self._accepted(session, job)]

    def _holding(self, session: Session, ledger: frozenset[str]) -> list[claim.Wanting]:
        """What the accepted jobs hold by their actions, whatever their rows say now."""
        self._wanted = {job: self._wanted.get(job) or self._locked(job) for job in sorted(ledger)}
        rows = session.execute(select(Job.id, Job.number).where(Job.id.in_(ledger)))
        numbers = {row.id: row.number for row in rows}
        return [
            claim.Wanting(job, numbers.get(job, 0), locks) for job, locks in self._wanted.items()
        ]

    def _locked(self, job_id: str) -> frozenset[str]:
        progress = self._desk.ledger.read(job_id)
        if progress is None:
            return frozenset()  # it has ended meanwhile
        return frozenset(self._trade.actions[progress.kind].from_json(progress.action).locks())

    def _accepted(self, session: Session, job: Job) -> bool:
        """Judge one waiting job: into the ledger and on with it, or refused."""
        action = None
        try:
            action = derive(session, job, self._trade.actions, self._trade.sealed())
            action.ready(session, job.id)
        except BoxError as error:
            tell(f"job {job.id} refused: {error}")
            if action is not None:
                action.forget(session, job.id)
            rows.end(session, job, State.REFUSED, error.as_dict())
            return False
        # Before the row's commit: a row that runs always has its ledger.
        self._desk.ledger.accept(job.id, job.kind, action.as_json(), binding(job))
        advance(job, State.RUNNING)
        claim.take(job, self._worker, self._lease)
        return True

    def _adopt(self, session: Session, job_id: str) -> None:
        job = session.get(Job, job_id)
        if job is None:
            return
        progress = self._desk.ledger.read(job_id)
        undoing = progress is not None and progress.undoing
        job.state = str(State.UNDOING if undoing else State.RUNNING)
        job.resumed += 1
        claim.take(job, self._worker, self._lease)

    def _begin(self, job_id: str) -> None:
        thread = threading.Thread(target=self._work, args=(job_id,), name=job_id, daemon=True)
        with self._lock:
            self._hand[job_id] = thread
        thread.start()

    def _work(self, job_id: str) -> None:
        try:
            progress = self._desk.ledger.read(job_id)
            if progress is not None:
                self._go_on(job_id, progress)
        except Exception as error:  # noqa: BLE001 - the job stays in the ledger and is retried
            tell(f"job {job_id} put aside: {type(error).__name__}: {error}")
            self._put_aside(job_id, error)
        finally:
            with self._lock:
                self._hand.pop(job_id, None)
            self.freed.set()

    def _go_on(self, job_id: str, progress: Progress) -> None:
        action = self._trade.actions[progress.kind].from_json(progress.action)
        steps: Sequence[Step] = ()
        try:
            steps = self._trade.plan(job_id, action)
        except BoxError as error:
            if progress.begun:
                raise
            self._desk.ledger.turn_back(job_id, str(State.FAILED), error.as_dict())
            progress = replace(progress, undoing=True, error=error.as_dict())
        Execution(self._desk, job_id, action, steps).run(progress)

    def _put_aside(self, job_id: str, error: Exception) -> None:
        """Say why nothing goes on, and try again later; without records the lease runs out by itself."""
        try:
            with transaction(self._desk.engine) as session:
                job = session.get(Job, job_id)
                if job is not None and job.state in claim.HELD:
                    job.lease_until = lease_end(_RETRY)
                    job.blocked_by = f"稍后重试 tried again later: {error}"[:500]
        except RecordsAway as away:
            tell(f"job {job_id}: {away}")


def _ended(session: Session, job_id: str) -> bool:
    entry = select(AuditEntry.number).where(
        AuditEntry.object == f"job/{job_id}",
        AuditEntry.role == "worker",
        AuditEntry.outcome.in_([str(state) for state in FINAL]),
    )
    return session.scalar(entry.limit(1)) is not None
