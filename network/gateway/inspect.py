"""Reading a JSON message by its channel: only allow-listed fields of the right type come out again."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import orjson

from network.gateway.refusals import BodyRefused

DEPTH = 16

FieldType = Literal[
    "string", "code", "id", "boolean", "integer", "instant", "date", "dateTime", "reference", "uri"
]
"""FHIR R4 primitive types (hl7.org/fhir/R4/datatypes.html) that survive parsing and rendering.

`decimal` is not among them: its trailing zeros have a meaning that a float does not keep.
"""


@dataclass(frozen=True)
class Field:
    """One allowed field: a dotted `path`, `[]` after a name that holds a list; all else is dropped.

    `values`, when given, are the only ones allowed; `longest` bounds a text, in characters.
    """

    path: str
    type: FieldType
    required: bool = False
    values: tuple[str, ...] = ()
    longest: int = 256


@dataclass
class Node:
    """A place in the tree of allowed fields: a leaf when `leaf` is set."""

    many: bool = False
    leaf: Field | None = None
    required: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class Minimised:
    """What may cross: the message made anew, and how many fields were left behind."""

    body: bytes
    dropped: int


def compiled(fields: Iterable[Field]) -> Node:
    """Return the tree of `fields`; raises `ValueError` when two paths contradict each other."""
    root = Node()
    for one in fields:
        node = root
        for name in one.path.split("."):
            node = _step(node, name, one.path)
        if node.leaf is not None or node.children:
            raise ValueError(f"{one.path} is given twice")
        node.leaf, node.required = one, one.required
    return root


def _step(node: Node, name: str, path: str) -> Node:
    many = name.endswith("[]")
    bare = name.removesuffix("[]")
    if not bare or node.leaf is not None:
        raise ValueError(f"{path} is no path")
    found = node.children.setdefault(bare, Node(many=many))
    if found.many is not many:
        raise ValueError(f"{path} contradicts another path")
    return found


def minimise(body: bytes, shape: Node, *, limit: int) -> Minimised:
    """Return `body` with only the fields of `shape`, made anew.

    Raises:
        BodyRefused: over `limit` bytes, not JSON, keys doubled, too deep, or a field of a wrong type.
    """
    if len(body) > limit:
        raise BodyRefused(path="$", why=f"over {limit} bytes")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyRefused(path="$", why="not JSON") from error
    if not isinstance(value, dict):
        raise BodyRefused(path="$", why="not an object")
    keys = _count(value, 0)
    if keys != _written_keys(body):
        raise BodyRefused(path="$", why="a key comes twice")
    kept, count = _keep(value, shape, "$")
    return Minimised(orjson.dumps(kept), keys - count)


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def _written_keys(body: bytes) -> int:
    # In valid JSON every colon outside a string follows exactly one key.
    return _STRING.sub(b"", body).count(b":")


def _count(value: object, depth: int) -> int:
    if depth > DEPTH:
        raise BodyRefused(path="$", why=f"deeper than {DEPTH}")
    if isinstance(value, dict):
        return len(value) + sum(_count(child, depth + 1) for child in value.values())
    if isinstance(value, list):
        return sum(_count(child, depth + 1) for child in value)
    return 0


def _keep(value: dict[str, object], shape: Node, path: str) -> tuple[dict[str, object], int]:
    kept: dict[str, object] = {}
    count = 0
    for name, node in shape.children.items():
        if name in value:
            kept[name], inner = _take(value[name], node, f"{path}.{name}")
            count += 1 + inner
        elif node.required:
            raise BodyRefused(path=f"{path}.{name}", why="missing")
    return kept, count


def _take(value: object, node: Node, path: str) -> tuple[object, int]:
    if not node.many:
        return _one(value, node, path)
    if not isinstance(value, list):
        raise BodyRefused(path=path, why="not a list")
    taken = [_one(item, node, f"{path}[]") for item in value]
    return [item for item, _ in taken], sum(inner for _, inner in taken)


def _one(value: object, node: Node, path: str) -> tuple[object, int]:
    if node.leaf is not None:
        _check(value, node.leaf, path)
        return value, 0
    if not isinstance(value, dict):
        raise BodyRefused(path=path, why="not an object")
    return _keep(value, node, path)


_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
_FORMS = {
    "string": r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+",
    "code": r"[^\s]+( [^\s]+)*",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "instant": f"{_DATE}T{_CLOCK}",
    "date": r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?",
    "dateTime": rf"\d{{4}}(-(0[1-9]|1[0-2]))?|{_DATE}(T{_CLOCK})?",
    "reference": r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}",
    "uri": r"[!-~]+",
}


def _text(form: str) -> Callable[[object, Field], bool]:
    pattern = re.compile(form, re.ASCII)

    def lawful(value: object, one: Field) -> bool:
        return (
            isinstance(value, str)
            and len(value) <= one.longest
            and pattern.fullmatch(value) is not None
            and (not one.values or value in one.values)
        )

    return lawful


_LAWFUL: dict[str, Callable[[object, Field], bool]] = {
    **{name: _text(form) for name, form in _FORMS.items()},
    "boolean": lambda value, _: isinstance(value, bool),
    "integer": lambda value, _: type(value) is int and -(2**31) <= value < 2**31,
}


def _check(value: object, one: Field, path: str) -> None:
    if not _LAWFUL[one.type](value, one):
        allowed = f" of {'|'.join(one.values)}" if one.values else ""
        raise BodyRefused(path=path, why=f"not a {one.type}{allowed}")
