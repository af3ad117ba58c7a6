"""Reading what came with a request: size, content type, JSON, schema, each refused by its own name."""

import json
from typing import Any

from flask import Request
from pydantic import BaseModel, ValidationError

from appliance.canonical import digest
from appliance.errors import BadInput, TooLarge
from controller.api.errors import Invalid, NotJson, WrongType
from controller.api.route import Form
from controller.jobs.queue import Idempotency

_KEY_LIMIT = 128


def raw(asked: Request, form: Form, limit: int) -> bytes:
    """Return the body, at most `limit` bytes; a bundle stays in the stream and gives b""."""
    if form.takes != "application/json":
        _check_type(asked, form)
        return b""
    data = asked.stream.read(limit + 1)
    if len(data) > limit:
        _drain(asked, limit)
        raise TooLarge(what="请求正文 the body", limit=limit)
    if data and form.body is not None:
        _check_type(asked, form)
    if data and form.body is None:
        raise BadInput(what="请求正文 the body", why="此接口不接受正文 none is taken here")
    return data


def parsed(data: bytes, form: Form) -> BaseModel | None:
    """Return the body as the route's schema; raise `NotJson` or `Invalid` with the paths."""
    if form.body is None:
        return None
    try:
        value = json.loads(data or b"{}", object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NotJson(why=str(error)) from error
    try:
        return form.body.model_validate(value)
    except ValidationError as error:
        raise Invalid(error) from error


def query(asked: Request, form: Form) -> BaseModel | None:
    """Return the query parameters as the route's schema; unknown ones raise `Invalid`."""
    if form.query is None:
        return None
    try:
        return form.query.model_validate(asked.args.to_dict())
    except ValidationError as error:
        raise Invalid(error) from error


def idempotency(asked: Request, data: bytes) -> Idempotency | None:
    """Return the caller's `Idempotency-Key` with the digest of what it asks."""
    key = asked.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= _KEY_LIMIT:
        raise BadInput(what="Idempotency-Key", why=f"1..{_KEY_LIMIT} ASCII characters")
    whole = b"\n".join((asked.method.encode(), asked.path.encode(), data))
    return Idempotency(key, digest(whole))


def _drain(asked: Request, limit: int) -> None:
    """Let a client that is not too far over the limit finish, or it would not hear our answer."""
    for _ in range(16):
        if not asked.stream.read(limit):
            return


def _check_type(asked: Request, form: Form) -> None:
    if asked.mimetype != form.takes:
        raise WrongType(what="Content-Type", why=asked.mimetype, wanted=form.takes)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; a name given twice is refused, since readers disagree on which one counts."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return made
