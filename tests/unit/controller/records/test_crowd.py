"""Many ask at once, in several processes, on both databases: nothing is given twice, no link is lost."""

import json
import multiprocessing
import threading
import traceback

import pytest
from sqlalchemy import func, select

from appliance import audit as links
from appliance import chance
from controller.actions.base import Role
from controller.actions.nodes import InspectNode
from controller.actions.principal import Principal
from controller.jobs import queue
from controller.records import audit
from controller.records.migrate import upgrade
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, AuditEntry, IdempotencyKey, Job, Node, Vm
from tests.unit.controller.records.wishes import creation

PROCESSES, THREADS, EACH = 3, 3, 7
WHO = Principal("sam", "sam", Role.SYSTEM, via="crowd")


@pytest.fixture
def crowded(url):
    upgrade(url)
    engine = open_records(url)
    with transaction(engine) as session:
        session.add(Node(name="n1", accelerator="tcg"))
        session.add(Account(id="sam", name="sam", role="system", created_at="now"))
    engine.dispose()
    return url


def _asks(url: str, problems) -> None:
    """One process: threads that create machines, ask with a shared key, and note things down."""
    engine = open_records(url)

    def ask() -> None:
        for turn in range(EACH):
            with transaction(engine) as session:
                queue.submit(session, WHO, creation(f"vm-{chance.new_id()[:8]}", "n1"))
            key = queue.Idempotency(f"shared-{turn}", "d")
            with transaction(engine) as session:
                queue.submit(session, WHO, InspectNode("n1"), key)
            with transaction(engine) as session:
                audit.append(session, audit.entry("w", "worker", "x", on="y", outcome="done"))

    def guarded() -> None:
        try:
            ask()
        except BaseException:  # noqa: BLE001 - told to the test
            problems.put(traceback.format_exc())

    threads = [threading.Thread(target=guarded) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()


def test_nothing_is_given_twice(crowded):
    context = multiprocessing.get_context("spawn")
    problems = context.SimpleQueue()
    crowd = [context.Process(target=_asks, args=(crowded, problems)) for _ in range(PROCESSES)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(50)
    assert problems.empty(), problems.get()
    assert [process.exitcode for process in crowd] == [0] * PROCESSES
    engine = open_records(crowded)
    with reading(engine) as session:
        _right(session)
    engine.dispose()


def _right(session) -> None:
    made = PROCESSES * THREADS * EACH
    numbers = sorted(session.scalars(select(Job.number)))
    assert numbers == list(range(1, made + EACH + 1)), "one job per machine, one per shared key"
    links.verify(audit.entries(session))
    assert audit.length(session) == made * 2 + EACH
    addresses = list(session.scalars(select(Vm.address)))
    assert len(set(addresses)) == len(addresses) == made
    assert sorted(int(a.rpartition(".")[2]) for a in addresses) == list(range(10, 10 + made))
    assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == EACH
    for job in session.scalars(select(Job)):
        entry = session.get(AuditEntry, job.audit_number)
        assert json.loads(entry.detail)["sha256"] == queue.binding(job)
