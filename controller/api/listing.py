"""Long lists, straight from rows to JSON: no object is made that nobody looks at."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    and_,
    cast,
    select,
    true,
)
from sqlalchemy.orm import Session

from appliance.errors import BadInput
from controller.api.call import Answer, Call
from controller.api.schemas.base import BIGGEST
from controller.api.schemas.lists import ListQuery

_CONDITION = re.compile(r"([a-z_]+) (eq|ne|contains) ('[^']*'|[^\s']+)")
_AND = " and "


@dataclass(frozen=True)
class Columns:
    """What a list shows: field name to column. `key` names the unique field that it is ordered by."""

    fields: Mapping[str, ColumnElement[Any]]
    key: str
    source: FromClause


def listed(call: Call, asked: ListQuery, columns: Columns, where: ColumnElement[bool]) -> Answer:
    """Answer with the rows that fulfil `where` and the caller's own filter, in the order of the key."""
    wanted = _wanted(asked.fields, columns)
    key = columns.fields[columns.key]
    query = select(key, *(_shown(columns.fields[name]) for name in wanted))
    query = query.select_from(columns.source).where(where, condition(asked.filter, columns))
    if asked.after is not None:
        query = query.where(key > asked.after)
    query = query.order_by(key).limit(asked.limit + 1)

    def ask(session: Session) -> bytes:
        rows = session.execute(query).all()
        more = rows[asked.limit - 1][0] if len(rows) > asked.limit else None
        raw = [i for i, name in enumerate(wanted, 1) if _is_json(columns.fields[name])]
        items = [_item(wanted, row, raw) for row in rows[: asked.limit]]
        return orjson.dumps({"items": items, "next": more})

    return Answer(Response(call.read(ask), mimetype="application/json"))


def condition(text: str, columns: Columns) -> ColumnElement[bool]:
    """Return what `filter` says as a condition; raise `BadInput` for what it cannot mean."""
    return and_(true(), *(_one(read, columns) for read in _conditions(text)))


def _conditions(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        read = _CONDITION.match(text, at)
        if read is None:
            raise _not_understood(text[at:])
        yield read
        at = read.end()
        if at < len(text) and not text.startswith(_AND, at):
            raise _not_understood(text[at:])
        at += len(_AND)


def _not_understood(text: str) -> BadInput:
    return BadInput(what="filter", why=f"{text[:80]!r}: FIELD eq|ne|contains VALUE [and …]")


def _one(read: re.Match[str], columns: Columns) -> ColumnElement[bool]:
    name, sign, value = read[1], read[2], read[3]
    value = value[1:-1] if value.startswith("'") else value
    if name not in columns.fields or _is_json(columns.fields[name]):
        raise BadInput(what="filter", why=f"没有此字段 no such field: {name[:40]}")
    column = columns.fields[name]
    if sign == "contains":
        return cast(column, Text).contains(value, autoescape=True)
    meant = _value(column, value)
    if meant is None:
        return column.is_(None) if sign == "eq" else column.is_not(None)
    return column == meant if sign == "eq" else column.is_distinct_from(meant)


def _value(column: ColumnElement[Any], text: str) -> str | int | bool | None:
    if text == "null":
        return None
    if isinstance(column.type, Boolean):
        if text not in ("true", "false"):
            raise BadInput(what="filter", why=f"{text[:40]!r}: true 或 or false")
        return text == "true"
    if isinstance(column.type, Integer):
        sound = text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20
        if not sound or abs(int(text)) > BIGGEST:
            raise BadInput(what="filter", why=f"{text[:40]!r} 不是整数 is not a whole number")
        return int(text)
    return text


def _wanted(asked: str, columns: Columns) -> tuple[str, ...]:
    if not asked:
        return tuple(columns.fields)
    names = tuple(dict.fromkeys(asked.split(",")))
    for name in names:
        if name not in columns.fields:
            raise BadInput(what="fields", why=f"没有此字段 no such field: {name[:40]}")
    return names


def _is_json(column: ColumnElement[Any]) -> bool:
    return isinstance(column.type, JSON)


def _shown(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Read JSON as the text that it is: it goes out as it lies there."""
    return cast(column, Text) if _is_json(column) else column


def _item(names: tuple[str, ...], row: Any, raw: list[int]) -> dict[str, Any]:
    made = dict(zip(names, row[1:], strict=True))
    for at in raw:
        if row[at] is not None:
            made[names[at - 1]] = orjson.Fragment(row[at])
    return made
