"""Channels over which the examples cross: whole, or with a few fields of each type."""

import random
from dataclasses import replace

from network.gateway.channel import Channel, Resource
from network.gateway.fhir.definitions import resources, type_of
from network.gateway.inspect import Field

WHOLE = Channel(
    "whole", "extranet->intranet", "store", "10.88.0.10", "http://10.66.0.10:8080", "health", "test", "sec",
    protocol="fhir", path="/fhir", leak="report", body_limit=4 << 20, rate=10_000_000, bulk=True,
    resources=tuple(Resource(name, ("create",), whole=True) for name in resources()),
)  # fmt: skip


def minimal(seed: int) -> Channel:
    """Return a channel that lets a seeded choice of fields cross, of every type."""
    dice = random.Random(seed)  # noqa: S311 - a seeded choice
    return replace(
        WHOLE,
        id="minimal",
        resources=tuple(
            Resource(name, ("create",), fields=tuple(_fields(name, dice))) for name in resources()
        ),
    )


def _fields(name: str, dice: random.Random) -> list[Field]:
    paths: dict[str, str] = {}
    for _ in range(40):
        path, kind = _walk(name, dice)
        if path and not any(p.startswith(f"{path}.") or path.startswith(f"{p}.") for p in paths):
            paths[path] = kind
    paths.setdefault("id", "id")
    return [Field(path, kind, longest=LONG) for path, kind in sorted(paths.items())]


LONG = 4 << 20


def _walk(name: str, dice: random.Random) -> tuple[str, str]:
    """Return a path from type `name` down to a primitive, and its type; empty when none was found."""
    steps: list[str] = []
    here = name
    for _ in range(6):
        step, element = dice.choice(sorted(type_of(here).elements.items()))
        steps.append(f"{step}[]" if element.many else step)
        if element.type in ("xhtml", "Resource"):
            return "", ""
        if element.primitive:
            return ".".join(steps), element.type
        here = element.type
    return "", ""
