"""Reads the controller's records for the inspector, on SQLite or PostgreSQL, and can change nothing in either.

    python -I -m compliance.records QUERY

Prints the rows as a JSON list of objects. Which database it is, the box's settings say. On PostgreSQL
the kernel says who asks at the socket; the role `hbox-inspect` may read a few columns and write nothing.
"""

import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from appliance.settings import Settings, load

_PATIENCE = 5  # seconds that a lock is waited for


class RecordsUnread(Exception):
    """The records could not be read; the text says why."""


def rows(settings: Settings, query: str) -> list[dict[str, Any]]:
    """Return the rows that a query gives, by column; raises `RecordsUnread`."""
    with _answers(settings, query) as (names, found):
        return [dict(zip(names, row, strict=True)) for row in found]


def values(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """Return the rows that a query gives, as tuples; raises `RecordsUnread`."""
    with _answers(settings, query) as (_, found):
        return [tuple(row) for row in found]


@contextlib.contextmanager
def _answers(settings: Settings, query: str) -> Iterator[tuple[list[str], Sequence[Sequence[Any]]]]:
    served = settings.database.startswith("postgresql")
    opened = _served(settings.database) if served else _file(settings)
    with opened as connection:
        try:
            cursor = connection.execute(query)
            found = cursor.fetchall()
        except Exception as error:  # each library has errors of its own
            raise RecordsUnread(f"{type(error).__name__}: {error}") from error
        yield [str(column[0]) for column in cursor.description or ()], found


@contextlib.contextmanager
def _file(settings: Settings) -> Iterator[Any]:
    path: Path = settings.state / "db" / "hbox.sqlite"
    try:
        link = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_PATIENCE)
    except sqlite3.Error as error:
        raise RecordsUnread(f"{path}: {error}") from error
    try:
        yield link
    finally:
        link.close()


@contextlib.contextmanager
def _served(url: str) -> Iterator[Any]:
    # Late: a box on SQLite does without.
    import psycopg  # noqa: PLC0415 - see above
    from psycopg.types.json import set_json_loads  # noqa: PLC0415 - see above

    asked = "-c default_transaction_read_only=on -c lock_timeout=5s -c statement_timeout=10s"
    try:
        link = psycopg.connect(
            url.replace("+psycopg", "", 1), options=asked, connect_timeout=_PATIENCE
        )
    except psycopg.Error as error:
        raise RecordsUnread(str(error).strip()) from error
    with link:
        link.read_only = True
        set_json_loads(_text, link)  # text, as SQLite has it
        yield link


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else bytes(data).decode()


def main(arguments: list[str]) -> int:
    """Print the answer to the one query; exit 1 when the records could not be read."""
    try:
        found = rows(load(), arguments[0])
    except RecordsUnread as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
