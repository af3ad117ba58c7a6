"""The catalogue: every item of GB/T 22239-2019 level 3, general and cloud, in our own words."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from appliance.canonical import digest
from appliance.errors import Text
from compliance.model import Kind

FILE = "gbt22239-level3.yaml"


@dataclass(frozen=True)
class Item:
    """One requirement. `machine` is yes, partly or no: our judgement of what a machine can decide."""

    id: str
    text: Text
    machine: str
    kinds: tuple[Kind, ...]
    unit: str
    high_risk: str
    major_risk: str


@dataclass(frozen=True)
class Point:
    """A control point with its items."""

    id: str
    text: Text
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Layer:
    """A layer with its control points; `part` is general or cloud."""

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
    """The whole catalogue and the digest of the file it was read from."""

    standard: str
    sha256: str
    layers: tuple[Layer, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in order."""
        return tuple(item for layer in self.layers for item in layer.items)


def load() -> Catalogue:
    """Read the catalogue that is shipped with this package."""
    data = (files("compliance.catalogue") / FILE).read_bytes()
    raw: dict[str, Any] = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders, one in C
    layers = [_layer("general", one) for one in raw["general"]]
    layers += [_layer("cloud", one) for one in raw["cloud_extension"]]
    return Catalogue(f"{raw['standard']} level {raw['level']}", digest(data), tuple(layers))


def _layer(part: str, raw: dict[str, Any]) -> Layer:
    points = tuple(
        Point(point["id"], Text(point["zh"], point["en"]), tuple(map(_item, point["items"])))
        for point in raw["control_points"]
    )
    return Layer(raw["id"], part, Text(raw["zh"], raw["en"]), points)


def _item(raw: dict[str, Any]) -> Item:
    return Item(
        id=raw["id"],
        text=Text(raw["zh"], raw["en"]),
        machine=raw["automatable"],
        kinds=tuple(Kind(kind) for kind in raw["objects"]),
        unit=raw.get("unit_28448", ""),
        high_risk=raw.get("high_risk_case", ""),
        major_risk=raw.get("major_risk_trigger", ""),
    )
