"""Forms of the fields that actions carry: names, ids and ranges, checked the same on both sides."""

import re

from appliance.errors import BadInput

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
TOKEN = re.compile(r"[a-z][a-z0-9-]{0,29}[a-z0-9]")  # with its owner's name within 64
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MODULE = re.compile(r"[a-z][a-z0-9-]{1,62}")
CHANNEL = re.compile(r"[a-z][a-z0-9-]{0,62}")
DIGEST = re.compile(r"[0-9a-f]{64}")
UPLOAD = re.compile(r"[0-9a-f-]{36}\.hmod")
IMAGE_UPLOAD = re.compile(r"[0-9a-f-]{36}\.img")
PAPER_UPLOAD = re.compile(r"[0-9a-f-]{36}\.paper")
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")


def matches(what: str, value: str, form: re.Pattern[str]) -> None:
    """Raise `BadInput` naming `what` unless the whole of `value` has this form."""
    if not form.fullmatch(value):
        raise BadInput(what=what, why=f"{value[:80]!r} 不符合格式 does not match {form.pattern}")


def within(what: str, value: int, low: int, high: int) -> None:
    """Raise `BadInput` naming `what` unless `low <= value <= high`."""
    if not low <= value <= high:
        raise BadInput(what=what, why=f"{value} 不在范围内 is not within {low}..{high}")


def one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise `BadInput` naming `what` unless `value` is one of `allowed`."""
    if value not in allowed:
        raise BadInput(
            what=what, why=f"{value[:80]!r} 不在可选值中 is not one of {', '.join(allowed)}"
        )
