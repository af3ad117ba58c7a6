"""A database that restarts or is gone: waited for, told with a code, and no job is lost by it."""

import threading

import pytest
from sqlalchemy import select, text

from appliance import clock
from appliance.errors import BadInput
from controller.records.session import RecordsAway, open_records, reading, transaction
from controller.records.tables import Job, Node
from tests import postgres
from tests.unit.controller.jobs.toy import STEPS, World

pytestmark = pytest.mark.filterwarnings("ignore:<psycopg.Connection:ResourceWarning")


@pytest.fixture(scope="module")
def own():
    """A server of this file's own: it is stopped and started here."""
    with postgres.server(*postgres.SAFE) as running:
        yield running


@pytest.fixture
def world(own, tmp_path, monkeypatch):
    """A toy box whose records lie there."""
    monkeypatch.setattr(postgres, "RUNNING", [own])
    made = World.new(tmp_path)
    yield made
    made.engine.dispose()


def test_the_next_transaction_finds_a_server_that_was_restarted(own, world):
    with transaction(world.engine) as session:
        session.add(Node(name="n1"))
    own.restart()
    with reading(world.engine) as session:
        assert session.get(Node, "n1") is not None


def test_a_transaction_that_was_cut_has_written_nothing(own, world):
    def cut() -> None:
        with transaction(world.engine) as session:
            session.add(Node(name="n2"))
            session.flush()
            own.restart()

    with pytest.raises(RecordsAway) as raised:
        cut()
    assert raised.value.code == "records.away"
    with reading(world.engine) as session:
        assert session.get(Node, "n2") is None


def test_a_server_that_stays_away_is_told_of_after_the_patience(own, world):
    engine = open_records(world.engine.url.render_as_string(hide_password=False), patience=0.5)
    own.control("stop", "-m", "fast")
    begun = clock.monotonic()
    try:
        with pytest.raises(RecordsAway), reading(engine) as session:
            session.get(Node, "n1")
        assert 0.4 < clock.monotonic() - begun < 3
    finally:
        own.control("start")
        engine.dispose()


def test_a_value_that_no_column_holds_is_bad_input(world):
    for value in ("x" * 65, "a\0b"):
        with pytest.raises(BadInput), transaction(world.engine) as session:
            session.add(Node(name=value))


def test_whoever_waits_too_long_for_its_turn_is_told(world, monkeypatch):
    monkeypatch.setattr("controller.records.session._POSTGRESQL", "-c lock_timeout=200")
    engine = open_records(world.engine.url.render_as_string(hide_password=False))
    with transaction(world.engine) as first:
        first.execute(text("select 1"))
        with pytest.raises(RecordsAway), transaction(engine) as second:
            second.get(Node, "n1")
    engine.dispose()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("phase", ["begun", "done", "recorded"])
def test_a_job_outlives_the_restart_of_its_database(own, world, step, phase, monkeypatch):
    monkeypatch.setattr("controller.jobs.runner._RETRY", -1.0)
    job_id = world.ask()
    restarted = threading.Event()

    def boundary(_job, at, when) -> None:
        if (at, when) == (step, phase) and not restarted.is_set():
            restarted.set()
            own.restart()

    world.work(boundary)
    assert restarted.is_set()
    assert world.job(job_id).state == "succeeded"
    assert world.ledger.jobs() == ()


def test_a_job_whose_step_was_cut_off_from_its_records_is_gone_on_with(own, world, monkeypatch):
    monkeypatch.setattr("controller.jobs.runner._RETRY", -1.0)
    job_id = world.ask()
    cut = []

    def gate(step):
        if step == "two" and not cut:
            cut.append(step)
            with transaction(world.engine) as session:
                session.scalars(select(Job)).all()
                own.restart()

    world.gate = gate
    world.work()
    assert cut
    assert world.job(job_id).state == "succeeded"
    assert set(world.steps(job_id).values()) == {"done"}
