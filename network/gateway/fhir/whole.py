"""A whole FHIR R4 resource, every element held against its definition; nothing unknown passes.

It changes the parsed value in place where something is made harmless, and says by path what is wrong.
What it does not judge: required elements, terminology, invariants; those are the receiver's.
"""

from collections.abc import Callable
from functools import cache

from network.gateway.exact import DEPTH
from network.gateway.fhir import narrative
from network.gateway.fhir.definitions import Element, is_resource, type_of
from network.gateway.findings import Findings
from network.gateway.primitives import CHECKS, FREE, Check, base64, quiet
from network.gateway.refusals import BodyRefused

Inner = Callable[[object, int], dict[str, object]]
"""Judges a resource that stands inside another at a depth, by the rule of its own type."""
Take = Callable[[object, "Walk", int], object]
"""Judges one value at a depth and returns it, made harmless if need be; raises `Wrong`."""
Slot = tuple[Check | None, Take, str]
"""A quick look that settles most values; how an element is taken otherwise; and its choice."""


class Wrong(Exception):
    """A value is not what its definition says; `place` grows outwards while it is raised."""

    def __init__(self, why: str, place: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.place = place

    def below(self, name: str) -> None:
        """Say that it was inside `name`."""
        self.place = f"{name[:66]}{self.place}"

    def refused(self, root: str) -> BodyRefused:
        """Return the refusal, its path starting at `root`."""
        return BodyRefused(path=f"{root}{self.place}"[:200], why=self.why)


class Walk:
    """Walks one resource; `inner` judges those inside it."""

    def __init__(self, findings: Findings, inner: Inner) -> None:
        self.findings = findings
        self.inner = inner

    def resource(
        self, value: dict[str, object], type_name: str, root: str = "$", depth: int = 0
    ) -> None:
        """Judge `value`, a resource of type `type_name`; raises `BodyRefused`."""
        try:
            self.parts(value, table(type_name), depth)
        except Wrong as wrong:
            raise wrong.refused(root) from wrong

    def parts(self, value: object, slots: dict[str, Slot], depth: int) -> None:
        """Judge an object by the elements of its type; raises `Wrong`."""
        if type(value) is not dict or not value or depth == DEPTH:
            raise Wrong(f"not an object, an empty one, or deeper than {DEPTH}")
        self.findings.keys += len(value)
        chosen: dict[str, str] = {}
        for name, item in value.items():
            slot = slots.get(name)
            if slot is None:
                raise Wrong("R4 has no such element here", f".{name[:66]}")
            quick, take, choice = slot
            if quick is not None and quick(item):
                continue
            if choice and chosen.setdefault(choice, name) != name:
                raise Wrong("two values of one choice", f".{name}")
            try:
                made = take(item, self, depth + 1)
            except Wrong as wrong:
                wrong.below(f".{name}")
                raise
            if made is not item:
                value[name] = made


@cache
def table(type_name: str) -> dict[str, Slot]:
    """Return the slots of a type by JSON name, with `_name` for what a primitive has beside it."""
    slots: dict[str, Slot] = {}
    for name, element in type_of(type_name).elements.items():
        slots[name] = (_quick(element), _listed(element, _take(element)), element.choice)
        if element.primitive:
            slots[f"_{name}"] = (None, _listed(element, _complex("Element")), "")
    if is_resource(type_name):
        slots["resourceType"] = (None, lambda item, _w, _d: item, "")
    return slots


def _listed(element: Element, take: Take) -> Take:
    if not element.many:
        return take
    # A list of primitives and the list of their extensions stand side by side, padded with null.
    padded = element.primitive

    def each(items: object, walk: Walk, depth: int) -> object:
        if type(items) is not list or not items:
            raise Wrong("not a list, or an empty one")
        for number, item in enumerate(items):
            if item is None and padded:
                continue
            try:
                made = take(item, walk, depth + 1)
            except Wrong as wrong:
                wrong.below(f"[{number}]")
                raise
            if made is not item:
                items[number] = made
        return items

    return each


def _quick(element: Element) -> Check | None:
    if element.many or element.choice or element.type in ("xhtml", "base64Binary"):
        return None
    return quiet if element.type in FREE else CHECKS.get(element.type)


def _take(element: Element) -> Take:
    kind = element.type
    special: dict[str, Take] = {"xhtml": _narrative, "Resource": _resource, "base64Binary": _binary}
    if kind in special:
        return special[kind]
    if kind in FREE:
        return _free(kind)
    return _checked(kind) if kind in CHECKS else _complex(kind)


def _checked(kind: str) -> Take:
    lawful, why = CHECKS[kind], f"not a {kind}"

    def take(item: object, _walk: Walk, _depth: int) -> object:
        if not lawful(item):
            raise Wrong(why)
        return item

    return take


def _free(kind: str) -> Take:
    lawful, why = CHECKS[kind], f"not a {kind}"

    def take(item: object, walk: Walk, _depth: int) -> object:
        if not lawful(item):
            raise Wrong(why)
        return walk.findings.harmless(str(item))

    return take


def _complex(kind: str) -> Take:
    slots: dict[str, Slot] = {}

    def take(item: object, walk: Walk, depth: int) -> object:
        if not slots:  # types hold one another, so this waits until the first is there
            slots.update(table(kind))
        walk.parts(item, slots, depth)
        return item

    return take


def _resource(item: object, walk: Walk, depth: int) -> object:
    return walk.inner(item, depth)


def _binary(item: object, walk: Walk, _depth: int) -> object:
    data = base64(item)
    if data is None:
        raise Wrong("not a base64Binary")
    walk.findings.attachments.append(data)
    return item


def _narrative(item: object, walk: Walk, _depth: int) -> object:
    if type(item) is not str:
        raise Wrong("not a xhtml")
    made, changed = narrative.made_lawful(item)
    walk.findings.inert += changed
    walk.findings.read(narrative.words(made), made)
    return made
