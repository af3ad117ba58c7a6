"""All tables as JSON lines, out of one database and into another: SQLite or PostgreSQL, this form or an older one."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Engine, Integer, MetaData, Table, func, insert, select, text
from sqlalchemy.orm import Session

from appliance.canonical import canonical
from controller.records import assessment, cluster, exchange  # noqa: F401 - their tables join the metadata
from controller.records.session import transaction
from controller.records.tables import Base

_BATCH = 500  # rows written at once


def names() -> tuple[str, ...]:
    """Return the names of all tables, those that others point to first."""
    return tuple(table.name for table in Base.metadata.sorted_tables)


def lines(session: Session, table: str) -> Iterator[bytes]:
    """Give each row as one canonical JSON object with its line end, in the order of the primary key."""
    held = Base.metadata.tables[table]
    ordered = select(held).order_by(*held.primary_key.columns)
    for row in session.execute(ordered.execution_options(yield_per=_BATCH)):
        yield canonical(dict(row._mapping)) + b"\n"


def revision(session: Session) -> str:
    """Return the form that the records have."""
    return str(session.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def fill(engine: Engine, rows: Iterable[tuple[str, Iterable[bytes]]]) -> dict[str, int]:
    """Write tables (name and lines each) into empty ones of the same form; return how many rows each got.

    All in one transaction. A column or table that this form does not have raises `KeyError`.
    """
    found = MetaData()
    found.reflect(engine)
    counts: dict[str, int] = {}
    given = dict(rows)
    with transaction(engine) as session:
        for table in found.sorted_tables:
            if table.name in given:
                counts[table.name] = _pour(session, table, given.pop(table.name))
                _count_on(session, engine, table)
    if given:
        raise KeyError(", ".join(sorted(given)))
    return counts


def _pour(session: Session, table: Table, rows: Iterable[bytes]) -> int:
    count, batch = 0, []
    known = set(table.columns.keys())
    for line in rows:
        row: dict[str, Any] = json.loads(line)
        if set(row) != known:
            raise KeyError(f"{table.name}: {sorted(set(row) ^ known)}")
        batch.append(row)
        if len(batch) == _BATCH:
            session.execute(insert(table), batch)
            count, batch = count + len(batch), []
    if batch:
        session.execute(insert(table), batch)
    return count + len(batch)


def _count_on(session: Session, engine: Engine, table: Table) -> None:
    """Let PostgreSQL's own numbering of a table go on behind the rows that were written."""
    keys = list(table.primary_key.columns)
    own = engine.dialect.name == "postgresql" and len(keys) == 1
    if not own or not isinstance(keys[0].type, Integer) or keys[0].server_default is None:
        return
    last = session.scalar(select(func.max(keys[0]))) or 0
    sequence = func.pg_get_serial_sequence(table.name, keys[0].name)
    session.execute(select(func.setval(sequence, last + 1, False)))  # noqa: FBT003 - SQL's own order
