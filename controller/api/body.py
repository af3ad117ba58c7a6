"""Reading what came with a request: size, content type, JSON, schema, each refused by its own name."""

import json
import re
from typing import Any

from flask import Request
from pydantic import BaseModel, ValidationError

from appliance.canonical import digest
from appliance.errors import BadInput, TooLarge
from controller.api.errors import Invalid, NotJson, WrongType
from controller.api.route import Form
from controller.jobs.queue import Idempotency

_ETAG = re.compile(r'\*|"[0-9]{1,9}"')
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


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
        value = json.loads(
            data or b"{}",
            object_pairs_hook=_once,
            parse_float=_number,
            parse_constant=_no_number,
        )
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
    if not _KEY.fullmatch(key):
        raise BadInput(
            what="Idempotency-Key", why="1..128 ASCII 字符，无空格 characters, no spaces"
        )
    whole = b"\n".join((asked.method.encode(), asked.path.encode(), data))
    return Idempotency(key, digest(whole))


def stated_within(asked: Request, limit: int) -> None:
    """Raise `TooLarge` when the request itself says that its body is longer than `limit` bytes."""
    if (asked.content_length or 0) > limit:
        raise TooLarge(what="上传文件 upload", limit=limit)


def _drain(asked: Request, limit: int) -> None:
    """Let a client that is not too far over the limit finish, or it would not hear our answer."""
    for _ in range(16):
        if not asked.stream.read(limit):
            return


def _check_type(asked: Request, form: Form) -> None:
    if asked.mimetype != form.takes:
        raise WrongType(what="Content-Type", why=asked.mimetype, wanted=form.takes)


def if_match(asked: Request) -> str | None:
    """Return the caller's `If-Match`: `*` or one ETag of ours; raise `BadInput` for another form."""
    given = asked.headers.get("If-Match")
    if given is not None and not _ETAG.fullmatch(given):
        raise BadInput(what="If-Match", why='* 或 or "版本 version"')
    return given


def _number(text: str) -> float | int:
    """Read 2.0 as the whole number that it is, as JSON Schema does."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; a name given twice is refused, since readers disagree on which one counts."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return made
