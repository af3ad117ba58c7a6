"""Opening the records: engine, transactions, and SQLite set up to lose nothing (WAL, FULL sync)."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session


def open_records(url: str) -> Engine:
    """Return an engine on `url`. On SQLite: WAL, synchronous FULL, foreign keys on, 10 s busy wait."""
    engine = create_engine(url, pool_pre_ping=False)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Give a session in one transaction: committed at the end, rolled back on any error."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Give a session that only reads: one consistent snapshot that waits for no writer."""
    calm = engine.execution_options(hbox_reading=True)
    with Session(calm, expire_on_commit=False) as session, session.begin():
        yield session


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin ourselves, see below
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # Taking the write lock at once: a transaction that reads first and writes later would
    # otherwise fail with "database is locked" instead of waiting its turn.
    reading_only = connection.get_execution_options().get("hbox_reading", False)
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")
