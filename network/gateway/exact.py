"""JSON read and written without loss: numbers keep their digits, no key comes twice, all is bounded.

RFC 8259 leaves doubled keys and the precision of numbers to the reader; two readers that differ are a
hole, and a laboratory value of `1.00` says more than `1.0` does. So a number with a fraction or an
exponent stays the text that it was (`msgspec.Raw`), and is written back as that text.
"""

import json

import msgspec

from network.gateway.refusals import BodyRefused

DEPTH = 64
"""Objects and lists in one another; the deepest official FHIR R4 example has 21."""

Fraction = msgspec.Raw
"""How a number with a fraction or an exponent is held: its own digits."""

_read = msgspec.json.Decoder(float_hook=Fraction).decode
_write = msgspec.json.Encoder().encode
_BLANK = b" \t\r\n"


def read(body: bytes, *, limit: int) -> tuple[dict[str, object], int]:
    """Return the JSON object in `body` and how many keys it has in all.

    Raises:
        BodyRefused: over `limit` bytes, not one JSON object in UTF-8, too deep, or a key doubled.
    """
    value = parsed(body, limit=limit)
    count = keys(value)
    check_once(body, count)
    return value, count


def parsed(body: bytes, *, limit: int) -> dict[str, object]:
    """Return the JSON object in `body`; whoever asks must bound its depth and call `check_once`.

    Raises:
        BodyRefused: over `limit` bytes, or not one JSON object in UTF-8.
    """
    if len(body) > limit:
        raise BodyRefused(path="$", why=f"over {limit} bytes")
    try:
        value = _read(body)
    except RecursionError as error:
        raise BodyRefused(path="$", why=f"deeper than {DEPTH}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyRefused(path="$", why="not JSON") from error
    if type(value) is not dict:
        raise BodyRefused(path="$", why="not an object")
    return value


def check_once(body: bytes, count: int) -> None:
    """Raise `BodyRefused` when a key comes twice in `body`, of which `count` keys were parsed.

    Without blanks every key ends in `":`, so when that stands no oftener than there are keys, no key
    was lost. Text may hold it too: then the standard library has to look, ten times as slow.
    """
    if body.translate(None, _BLANK).count(b'":') != count:
        json.loads(body, object_pairs_hook=_pairs)


def write(value: object) -> bytes:
    """Return `value` as compact JSON in UTF-8."""
    return _write(value)


def keys(value: object, depth: int = 0) -> int:
    """Return how many keys `value` has in all; raises `BodyRefused` when it is too deep."""
    if depth >= DEPTH:
        raise BodyRefused(path="$", why=f"deeper than {DEPTH}")
    if type(value) is dict:
        count = len(value)
        inside = value.values()
    else:
        count, inside = 0, value  # type: ignore[assignment] # a list: nothing else comes here
    for child in inside:
        kind = type(child)
        if kind is dict or kind is list:
            count += keys(child, depth + 1)
    return count


def _pairs(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise BodyRefused(path="$", why="a key comes twice")
