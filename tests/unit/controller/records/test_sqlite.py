"""Records on SQLite: set up to lose nothing, and plain for any other program."""

import sqlite3

from sqlalchemy import insert

from controller.records.migrate import upgrade
from controller.records.session import open_records
from controller.records.tables import Node


def test_sqlite_is_set_up_to_lose_nothing(tmp_path):
    engine = open_records(f"sqlite:///{tmp_path / 'box.sqlite'}")
    with engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    engine.dispose()
    assert found == ["wal", 2, 1]


def test_the_records_are_plain_sqlite(tmp_path):
    path = tmp_path / "db" / "box.sqlite"
    upgrade(f"sqlite:///{path}")
    engine = open_records(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(insert(Node).values(name="n1"))
    engine.dispose()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as plain:
        assert plain.execute("select name, state from nodes").fetchall() == [("n1", "active")]
    plain.close()
