"""Reads and writes the file in which the controller hands over what people gave; strict in form."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.canonical import canonical
from appliance.errors import BadInput, Text
from compliance import rulesets
from compliance.given import Given, Statement
from compliance.model import Verdict

FORMAT = "hbox-compliance-given/1"
LIMIT = 16 * 1024 * 1024  # bytes
STATED = (Verdict.CONFORM, Verdict.PARTIAL, Verdict.VIOLATED, Verdict.NOT_APPLICABLE)
LONGEST = 20_000  # characters of one text


class BadGiven(BadInput):
    """The file is not in the form of `hbox-compliance-given/1`, or contradicts itself."""

    code = "compliance.bad_given"
    text = Text(
        "人员填报内容有误：{where}：{why}", "What people gave is not well formed: {where}: {why}"
    )
    hint = Text(
        "请在医盒的问卷页改正该条后重新检查。",
        "Correct that entry in the questionnaire and run again.",
    )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal["hbox-compliance-given/1"]
    given: Given


def read(path: Path) -> Given:
    """Read the file; raise `BadGiven`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadGiven(where=path.name, why=error.strerror or "unreadable") from error
    return parse(data)


def parse(data: bytes) -> Given:
    """Return what `data` holds; raise `BadGiven` for the first thing that is wrong with it."""
    if len(data) > LIMIT:
        raise BadGiven(where="file", why=f"longer than {LIMIT} bytes")
    try:
        given = _File.model_validate_json(data).given
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadGiven(
            where=".".join(map(str, first["loc"])) or "file", why=first["msg"]
        ) from error
    for where, why in _faults(given):
        raise BadGiven(where=where, why=why)
    rulesets.check(given.options)
    return given


def dump(given: Given) -> bytes:
    """Return the file's bytes; what it wrote `parse` reads."""
    return canonical({"format": FORMAT, "given": asdict(given)})


def _faults(given: Given) -> Iterator[tuple[str, str]]:
    """Name what the types cannot say: days, digests, double entries, texts without end."""
    yield from _day("today", given.today)
    for at, one in enumerate(given.statements):
        yield from _statement(f"statements.{at}", one)
    for at, waiver in enumerate(given.waivers):
        yield from _day(f"waivers.{at}.expires", waiver.expires)
    for at, foreign in enumerate(given.foreign):
        if not re.fullmatch(r"[^\s:/][^\n:/]{0,79}", foreign.name):
            yield f"foreign.{at}.name", "1 to 80 characters, no colon or slash"
    yield from _twice("statements", (f"{one.item} {one.subject}" for one in given.statements))
    yield from _twice("waivers", (f"{one.item} {one.subject}" for one in given.waivers))
    yield from _twice("foreign", (one.subject.ref for one in given.foreign))
    yield from _endless("given", asdict(given))


def _statement(where: str, one: Statement) -> Iterator[tuple[str, str]]:
    if one.verdict not in STATED:
        yield f"{where}.verdict", f"people state {', '.join(STATED)}"
    yield from _day(f"{where}.review_by", one.review_by)
    for at, file in enumerate(one.attachments):
        if not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
            yield f"{where}.attachments.{at}.sha256", "64 hexadecimal digits"
        if file.size < 0 or not file.name.strip():
            yield f"{where}.attachments.{at}", "a name, and a size of 0 or more bytes"


def _day(where: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        if dt.date.fromisoformat(text).isoformat() == text:
            return
    except ValueError:
        pass
    yield where, "a day as 2026-11-22"


def _twice(where: str, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield from ((where, f"twice: {key}") for key, times in Counter(keys).items() if times > 1)


def _endless(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and len(value) > LONGEST:
        yield where, f"longer than {LONGEST} characters"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _endless(f"{where}.{key}", inner)
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _endless(f"{where}.{at}", inner)
