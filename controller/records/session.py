"""Opening the records: engine, transactions, on SQLite and PostgreSQL with the same meaning.

Writers take turns on both: SQLite by its one write lock, PostgreSQL by one advisory lock that a
writing transaction takes before it reads anything. So whatever was read (the last audit entry, the
next number, free addresses, what a tenant has used) is still true when it is written.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Text, Unavailable

PATIENCE = 3.0
"""Seconds that whoever answers a person waits for a database that restarts."""

_lasting: ContextVar[bool] = ContextVar("lasting", default=True)
_TURN = 0x48426F78  # the advisory lock of those who write ("HBox")
_AGAIN = 0.2  # seconds between two attempts to reach the database
_BUSY = 10_000  # milliseconds that a writer waits for its turn, on both
_AWAY = frozenset({"57P01", "57P02", "57P03", "53300"})  # shut down, crashed, starting, no slot
_POSTGRESQL = f"-c lock_timeout={_BUSY} -c idle_in_transaction_session_timeout=120000"


class RecordsAway(Unavailable):
    """The database does not answer, is full, or somebody held it for too long; nothing was written."""

    code = "records.away"
    text = Text("记录数据库暂不可用：{why}", "The records are not available now: {why}")
    hint = Text(
        "系统会自动重连；若持续出现，请检查数据库服务与磁盘余量。",
        "The box reconnects by itself; if it goes on, look at the database service and the free disk space.",
    )


def open_records(url: str, *, patience: float = PATIENCE) -> Engine:
    """Return an engine on `url`; a database that is away is waited for up to `patience` seconds.

    On SQLite: WAL, synchronous FULL, foreign keys on, 10 s busy wait. On PostgreSQL: connections are
    tried before use, 10 s lock wait, and a transaction left idle for two minutes is ended.
    """
    if not url.startswith("postgresql"):
        # Every job in hand may ask at once; one in memory has a pool of its own kind.
        wider = {"max_overflow": 25} if make_url(url).database else {}
        engine = create_engine(url, **wider)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine.execution_options(hbox_patience=0.0)
    options = f"{make_url(url).query.get('options', '')} {_POSTGRESQL}"
    engine = create_engine(
        url,
        pool_pre_ping=True,
        max_overflow=25,  # every thread of the web process may ask at once
        connect_args={"connect_timeout": 5, "options": options, "application_name": "hbox"},
    )
    event.listen(engine, "begin", _take_turn)
    return engine.execution_options(hbox_patience=patience)


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Give a session in one transaction: committed at the end, rolled back on any error.

    Raises `RecordsAway` when the database does not answer (before or within it), and `BadInput` for
    a value that no column can hold.
    """
    with _told(), Session(engine, expire_on_commit=False) as session:
        _begin(session, engine)
        yield session
        session.commit()


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Give a session that only reads: one consistent snapshot that waits for no writer."""
    calm = engine.execution_options(hbox_reading=True)
    if engine.dialect.name == "postgresql":
        calm = calm.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with _told(), Session(calm, expire_on_commit=False) as session:
        _begin(session, calm)
        yield session
        session.commit()


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Within it, this thread's transactions are whole as ever, but on SQLite not waited for until they are on disk.

    A power cut may take back the last ones, never one from the middle; the next transaction outside
    brings all of them to disk. For a job's steps, which are done again if their end was not recorded.
    On PostgreSQL all are waited for: that server may crash alone, and whoever wrote would live on
    without knowing that the last transactions are lost.
    """
    before = _lasting.set(False)
    try:
        yield
    finally:
        _lasting.reset(before)


def _begin(session: Session, engine: Engine) -> None:
    """Reach the database; one that restarts is waited for."""
    end = clock.monotonic() + float(engine.get_execution_options().get("hbox_patience", 0.0))
    while True:
        session.begin()
        if engine.dialect.name == "sqlite":
            return  # a file is always there; its lock is taken by the first statement
        try:
            session.connection()
        except OperationalError as error:
            session.rollback()
            if not _restarting(error) or clock.monotonic() > end:
                raise
            clock.pause(_AGAIN)
        else:
            return


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise BadInput(what="内容 content", why=_words(error)) from error
    except OperationalError as error:
        raise RecordsAway(why=_words(error)) from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise RecordsAway(why=_words(error)) from error


def _words(error: DBAPIError) -> str:
    # Without the statement and its values, which may hold what is nobody's business.
    return str(error.orig).strip().splitlines()[0][:300] if str(error.orig).strip() else "?"


def _restarting(error: OperationalError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state in _AWAY or state[:2] == "08"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin ourselves, see below
    cursor = connection.cursor()
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY}")
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # Taking the write lock at once: a transaction that reads first and writes later would
    # otherwise fail with "database is locked" instead of waiting its turn.
    reading_only = connection.get_execution_options().get("hbox_reading", False)
    if not reading_only:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if _lasting.get() else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")


def _take_turn(connection: Any) -> None:
    # Read committed, and the lock first: what is read after it was committed before it.
    if not connection.get_execution_options().get("hbox_reading", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN})")
