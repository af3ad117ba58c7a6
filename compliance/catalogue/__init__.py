"""The catalogues, in our own words: GB/T 22239-2019 level 3, general and cloud; and law beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from appliance.canonical import digest
from appliance.errors import Text
from compliance.model import Kind

LEVEL_3 = "gbt22239-level3"
LAWS = ("hospital", "cryptography")
"""Catalogues beside 等保: judged by the same engine, counted apart, never in its rate."""
NO_SOURCES: Mapping[str, str] = {}


@dataclass(frozen=True)
class Item:
    """One requirement. `machine` is yes, partly or no: our judgement of what a machine can decide.

    `source` and `status` (read, lead, remembered, own) say, for law, where it was seen and how surely.
    """

    id: str
    text: Text
    machine: str
    kinds: tuple[Kind, ...]
    unit: str
    high_risk: str
    major_risk: str
    source: str = ""
    status: str = ""


@dataclass(frozen=True)
class Point:
    """A control point with its items."""

    id: str
    text: Text
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Layer:
    """A layer with its control points; `part` is general, cloud, or the name of the law's catalogue."""

    id: str
    part: str
    text: Text
    points: tuple[Point, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items of the layer, in order."""
        return tuple(item for point in self.points for item in point.items)


@dataclass(frozen=True)
class Catalogue:
    """A whole catalogue and the digest of the file it was read from."""

    standard: str
    sha256: str
    layers: tuple[Layer, ...]
    name: str
    title: Text

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in order."""
        return tuple(item for layer in self.layers for item in layer.items)


@cache
def load(name: str = LEVEL_3) -> Catalogue:
    """Read a catalogue that is shipped with this package: `LEVEL_3` or one of `LAWS`."""
    data = (files("compliance.catalogue") / f"{name}.yaml").read_bytes()
    raw: dict[str, Any] = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders, one in C
    if name != LEVEL_3:
        layers = tuple(_layer(name, one, raw["sources"]) for one in raw["layers"])
        title = Text(raw["zh"], raw["en"])
        return Catalogue(raw["standard"], digest(data), layers, name, title)
    layers = tuple(_layer("general", one) for one in raw["general"])
    layers += tuple(_layer("cloud", one) for one in raw["cloud_extension"])
    title = Text("等保三级", "level 3")
    return Catalogue(f"{raw['standard']} level {raw['level']}", digest(data), layers, name, title)


def _layer(part: str, raw: dict[str, Any], sources: Mapping[str, str] = NO_SOURCES) -> Layer:
    points = tuple(
        Point(
            point["id"],
            Text(point["zh"], point["en"]),
            tuple(_item(one, sources) for one in point["items"]),
        )
        for point in raw["control_points"]
    )
    return Layer(raw["id"], part, Text(raw["zh"], raw["en"]), points)


def _item(raw: dict[str, Any], sources: Mapping[str, str]) -> Item:
    source = raw.get("source", "")
    return Item(
        id=raw["id"],
        text=Text(raw["zh"], raw["en"]),
        machine=raw["automatable"],
        kinds=tuple(Kind(kind) for kind in raw["objects"]),
        unit=raw.get("unit_28448", ""),
        high_risk=raw.get("high_risk_case", ""),
        major_risk=raw.get("major_risk_trigger", ""),
        source=sources.get(source, source),
        status=raw.get("status", ""),
    )
