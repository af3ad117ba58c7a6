"""Reading a JSON message by its channel: only allow-listed fields of the right type come out again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ConfigDict, with_config

from network.gateway import dlp, exact, masks
from network.gateway.findings import Allowed, Findings, Search, looked_into, looked_through
from network.gateway.primitives import CHECKS, FREE, Primitive, base64
from network.gateway.refusals import BodyRefused

FieldType = Primitive
_DATES = frozenset({"date", "dateTime"})


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Field:
    """One allowed field: a dotted `path`, `[]` after a name that holds a list; all else is dropped.

    `values`, when given, are the only ones allowed; `longest` bounds a text, in characters.
    `mask` names a profile of `masks`; `carries` says which personal numbers may stand there.
    """

    path: str
    type: FieldType
    required: bool = False
    values: tuple[str, ...] = ()
    longest: int = 256
    mask: str = ""
    carries: tuple[str, ...] = ()


@dataclass
class Node:
    """A place in the tree of allowed fields: a leaf when `leaf` is set."""

    many: bool = False
    leaf: Field | None = None
    required: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class Minimised:
    """What may cross: the message made anew, how many fields were left behind, and what was found."""

    body: bytes
    dropped: int
    findings: Findings


def compiled(fields: Iterable[Field]) -> Node:
    """Return the tree of `fields`; raises `ValueError` when they break a law or contradict each other."""
    root = Node()
    for one in fields:
        _check_field(one)
        node = root
        for name in one.path.split("."):
            node = _step(node, name, one.path)
        if node.leaf is not None or node.children:
            raise ValueError(f"{one.path} is given twice")
        node.leaf, node.required = one, one.required
    return root


def _check_field(one: Field) -> None:
    laws = {
        "a known mask": masks.known(one.mask),
        "a mask that fits its type": not one.mask
        or (one.type in FREE and one.mask != "birth-year")
        or (one.type in _DATES and one.mask == "birth-year"),
        "known kinds of personal numbers": dlp.KINDS.issuperset(one.carries),
    }
    broken = [law for law, kept in laws.items() if not kept]
    if broken:
        raise ValueError(f"{one.path} has not {', '.join(broken)}")


def _step(node: Node, name: str, path: str) -> Node:
    many = name.endswith("[]")
    bare = name.removesuffix("[]")
    if not bare or node.leaf is not None:
        raise ValueError(f"{path} is no path")
    found = node.children.setdefault(bare, Node(many=many))
    if found.many is not many:
        raise ValueError(f"{path} contradicts another path")
    return found


def allowed(node: Node) -> Allowed:
    """Return which personal numbers the fields of `node` may carry."""
    kinds = frozenset(node.leaf.carries) if node.leaf else dlp.NOTHING
    below = {name: allowed(child) for name, child in node.children.items()}
    return Allowed(kinds, {name: a for name, a in below.items() if a.kinds or a.below})


def every_kind(node: Node) -> frozenset[str]:
    """Return every kind of personal number that some field of `node` may carry."""
    return frozenset(kind for leaf in leaves(node) for kind in leaf.carries)


def leaves(node: Node) -> Iterator[Field]:
    """Yield the fields of `node`."""
    if node.leaf is not None:
        yield node.leaf
    for child in node.children.values():
        yield from leaves(child)


def minimise(body: bytes, shape: Node, *, limit: int, mask: bool = False) -> Minimised:
    """Return `body` with only the fields of `shape`, made anew; `mask` masks undeclared numbers.

    Raises:
        BodyRefused: over `limit` bytes, not JSON, keys doubled, too deep, or a field of a wrong type.
    """
    value, count = exact.read(body, limit=limit)
    findings = Findings()
    kept = keep(value, shape, findings)
    made = finished(kept, Search(findings, mask), allowed(shape))
    return Minimised(made, count - exact.keys(kept), findings)


def finished(kept: dict[str, object], search: Search, may: Allowed) -> bytes:
    """Return `kept` as JSON, after the look for personal numbers where none may stand."""
    made = exact.write(kept)
    if dlp.suspicious(made) and dlp.find(made.decode()):
        # Only now it is worth asking in which field a number stands.
        search.message(kept, may)
        if search.mask and search.findings.hits:
            made = exact.write(kept)
    if search.findings.parted:
        looked_through(search, kept)
    if search.findings.attachments:
        looked_into(search.findings, mask=search.mask)
    return made


def keep(
    value: dict[str, object], shape: Node, findings: Findings, path: str = "$"
) -> dict[str, object]:
    """Return what `shape` allows of `value`; raises `BodyRefused` with the path of what is wrong."""
    kept: dict[str, object] = {}
    for name, node in shape.children.items():
        if name in value:
            kept[name] = _take(value[name], node, findings, f"{path}.{name}")
        elif node.required:
            raise BodyRefused(path=f"{path}.{name}", why="missing")
    return kept


def _take(value: object, node: Node, findings: Findings, path: str) -> object:
    if not node.many:
        return _one(value, node, findings, path)
    if type(value) is not list:
        raise BodyRefused(path=path, why="not a list")
    return [_one(item, node, findings, f"{path}[]") for item in value]


def _one(value: object, node: Node, findings: Findings, path: str) -> object:
    if node.leaf is not None:
        return leaf(value, node.leaf, findings, path)
    if type(value) is not dict:
        raise BodyRefused(path=path, why="not an object")
    return keep(value, node, findings, path)


def leaf(value: object, one: Field, findings: Findings, path: str) -> object:
    """Return the value of field `one`, masked and harmless; raises `BodyRefused`."""
    if not CHECKS[one.type](value) or (one.values and value not in one.values):
        said = f" of {'|'.join(one.values)}" if one.values else ""
        raise BodyRefused(path=path, why=f"not a {one.type}{said}")
    if type(value) is str:
        return _text(value, one, findings, path)
    return value


def _text(value: str, one: Field, findings: Findings, path: str) -> str:
    if len(value) > one.longest:
        raise BodyRefused(path=path, why=f"not a {one.type} of at most {one.longest} characters")
    if one.mask:
        findings.masked += 1
        value = masks.apply(one.mask, value)
    if one.type in FREE:
        return findings.harmless(value)
    if one.type == "base64Binary":
        findings.attachments.append(base64(value) or b"")
    return value
