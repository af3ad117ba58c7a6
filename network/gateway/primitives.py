"""The primitive types of FHIR R4: what each one may look like (hl7.org/fhir/R4/datatypes.html)."""

import binascii
import re
from collections.abc import Callable
from typing import Literal

from network.gateway import inert
from network.gateway.exact import Fraction

Primitive = Literal[
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant",
    "integer", "markdown", "oid", "positiveInt", "reference", "string", "time", "unsignedInt", "uri",
    "url", "uuid",
]  # fmt: skip
"""FHIR's own, and `reference`: the text of a Reference that points into the same system or message."""

FREE = frozenset({"string", "markdown"})
"""Text that people wrote: markup in it is made harmless. In any other type it is refused."""

Check = Callable[[object], bool]

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_YEAR = r"(?!0000)[0-9]{4}"
_DATE = rf"{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,18})?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_ID = r"[A-Za-z0-9\-.]{1,64}"
# In an address `.` and `..` would be a step, though R4 takes them for ids.
STEP = r"(?!\.\.?(?![A-Za-z0-9\-.]))[A-Za-z0-9\-.]{1,64}"
_UUID = r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OID = r"urn:oid:[0-2](\.(0|[1-9][0-9]{0,38})){1,64}"
_FORMS = {
    "code": r"[^\s]+(\s[^\s]+)*",
    "date": rf"{_YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?",
    "dateTime": rf"{_YEAR}(-(0[1-9]|1[0-2]))?|{_DATE}(T{_TIME}{_ZONE})?",
    "id": _ID,
    "instant": f"{_DATE}T{_TIME}{_ZONE}",
    "oid": _OID,
    "reference": rf"[A-Z][A-Za-z]{{1,63}}/{STEP}(/_history/{STEP})?|#{_ID}|{_UUID}|{_OID}",
    "time": _TIME,
    # Whatever a URI may not hold (RFC 3986) could end an attribute of a page that shows it.
    "uri": r'[^\s<>"\x00-\x1f\x7f]+',
    "uuid": _UUID,
}
_address = re.compile(_FORMS["uri"]).fullmatch
_QUIET = ("http://", "https://", "urn:")  # schemes of which no browser makes a program
_NUMBER = re.compile(rb"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?").fullmatch
_LARGEST = 10**40
_KNOWN, _SHORT = 4096, 80  # values a check remembers, and how long they may be


def plain(value: object) -> bool:
    """Whether `value` is a text that is not empty and without control characters."""
    return type(value) is str and value != "" and (value.isprintable() or not _control(value))


def quiet(value: object) -> bool:
    """Whether `value` is a text that is lawful and harmless at first sight.

    Characters that turn the direction of text are not printable (Unicode category Cf).
    """
    return (
        type(value) is str
        and value != ""
        and value.isprintable()
        and "<" not in value
        and ":" not in value
    )


def _formed(form: str) -> Check:
    matches = re.compile(form, re.ASCII).fullmatch

    def lawful(value: object) -> bool:
        return type(value) is str and matches(value) is not None

    return lawful


def _code() -> Check:
    matches = re.compile(_FORMS["code"], re.ASCII).fullmatch

    def lawful(value: object) -> bool:
        if quiet(value) and " " not in value:  # type: ignore[operator] # a text then
            return True
        if type(value) is not str or matches(value) is None or not value.isprintable():
            return False
        return not inert.text(value)[1]

    return lawful


def _uri(value: object) -> bool:
    if type(value) is not str or _address(value) is None:
        return False
    if not value.isascii() and not value.isprintable():
        return False
    return value.startswith(_QUIET) or not inert.text(value)[1]


def _remembered(check: Check) -> Check:
    """Return `check` with a memory of what was lawful: codes and systems come again and again."""
    known: set[str] = set()

    def lawful(value: object) -> bool:
        if type(value) is not str:
            return False
        if value in known:
            return True
        if not check(value):
            return False
        if len(known) < _KNOWN and len(value) <= _SHORT:
            known.add(value)
        return True

    return lawful


def _whole(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _decimal(value: object) -> bool:
    if type(value) is Fraction:
        digits = bytes(value)
        # Without an exponent a JSON number of this length is within the bounds.
        return (len(digits) < 20 and b"e" not in digits.lower()) or _NUMBER(digits) is not None
    return type(value) is int and -_LARGEST < value < _LARGEST


def base64(value: object) -> bytes | None:
    """Return what a base64Binary holds, blanks in it left aside; None when it is none."""
    if type(value) is not str:
        return None
    try:
        return binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except ValueError:
        return None


_URI = _remembered(_uri)
CHECKS: dict[str, Check] = {
    **{name: _formed(form) for name, form in _FORMS.items()},
    "code": _remembered(_code()),
    "uri": _URI,
    "url": _URI,
    "canonical": _URI,
    "string": plain,
    "markdown": plain,
    "boolean": lambda value: type(value) is bool,
    "integer": _whole(-(2**31), 2**31 - 1),
    "unsignedInt": _whole(0, 2**31 - 1),
    "positiveInt": _whole(1, 2**31 - 1),
    "decimal": _decimal,
    "base64Binary": lambda value: base64(value) is not None,
}
"""Whether a JSON value is lawful, by type."""
