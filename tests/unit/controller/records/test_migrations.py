"""The records' form: what the migrations make is what the tables say, and again changes nothing."""

import sqlite3
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from controller.records.migrate import upgrade
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Base, JobStep, Node


def test_migrations_make_what_the_tables_say(tmp_path):
    url = f"sqlite:///{tmp_path / 'db' / 'hbox.sqlite'}"
    upgrade(url)
    engine = open_records(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_upgrading_again_keeps_what_is_there(controller):
    upgrade(controller.settings.database)
    with reading(controller.engine) as session:
        assert [node.name for node in session.scalars(select(Node))] == ["node-1"]


def test_sqlite_is_set_up_to_lose_nothing(controller):
    with controller.engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 1]


def test_a_row_that_points_nowhere_is_refused(controller):
    step = JobStep(job_id="none", position=0, key="k", title_zh="", title_en="", state="pending")
    with pytest.raises(IntegrityError), transaction(controller.engine) as session:
        session.add(step)


def test_an_error_takes_the_whole_transaction_back(controller):
    def broken():
        with transaction(controller.engine) as session:
            session.add(Node(name="node-2"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with reading(controller.engine) as session:
        assert session.get(Node, "node-2") is None


def test_a_reader_waits_for_no_writer_and_sees_one_moment(controller):
    with transaction(controller.engine) as writer:
        writer.add(Node(name="node-2"))
        writer.flush()
        seen = []
        reader = threading.Thread(target=lambda: seen.append(_nodes(controller)))
        reader.start()
        reader.join(5)
    assert seen == [["node-1"]]
    assert _nodes(controller) == ["node-1", "node-2"]


def test_writers_take_turns(controller):
    def add(at):
        with transaction(controller.engine) as session:
            count = len(list(session.scalars(select(Node))))
            session.add(Node(name=f"n-{count:03}"))

    threads = [threading.Thread(target=add, args=(at,)) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_nodes(controller)) == 17


def test_the_records_are_plain_sqlite(controller):
    path = controller.settings.state / "db" / "hbox.sqlite"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as plain:
        assert plain.execute("select count(*) from accounts").fetchone() == (3,)
    plain.close()


def _nodes(controller):
    with reading(controller.engine) as session:
        return sorted(node.name for node in session.scalars(select(Node)))
