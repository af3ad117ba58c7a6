"""The types of FHIR R4 as tables, read from `r4.json`, which `compile` makes."""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import orjson

from network.gateway.primitives import CHECKS


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type: `type` is a primitive, `xhtml`, `Resource`, or the name of a complex type.

    `choice` is the name of a group of which only one may be there, or empty.
    """

    type: str
    many: bool
    choice: str = ""

    @property
    def primitive(self) -> bool:
        """Whether its value is no object."""
        return self.type in CHECKS or self.type == "xhtml"


@dataclass(frozen=True)
class Type:
    """A type with all its elements, inherited ones too, by the name that JSON gives them."""

    name: str
    elements: dict[str, Element] = field(default_factory=dict)


@cache
def _lines() -> dict[str, str]:
    told: dict[str, str] = orjson.loads(files("network.gateway.fhir").joinpath("r4.json").read_bytes())[
        "types"
    ]  # fmt: skip
    return told


@cache
def type_of(name: str) -> Type:
    """Return the type `name`; raises `KeyError` when R4 has none."""
    base, *said = _lines()[name].split(" ") if _lines()[name] else [""]
    if ":" in base:
        base, said = "", [base, *said]
    elements = dict(type_of(base).elements) if base else {}
    for one in said:
        elements.update(_elements(one))
    return Type(name, elements)


def _elements(said: str) -> dict[str, Element]:
    name, _, kinds = said.partition(":")
    many = kinds.endswith("*")
    kinds = kinds.removesuffix("*")
    if not name.endswith("[x]"):
        return {name: Element(kinds, many)}
    bare = name.removesuffix("[x]")
    return {
        bare + kind[0].upper() + kind[1:]: Element(kind, many, bare) for kind in kinds.split("|")
    }


@cache
def is_resource(name: str) -> bool:
    """Whether `name` is a type of resource that can stand by itself."""
    if "." in name or name not in _lines() or name in ("Resource", "DomainResource"):
        return False
    base = _lines()[name].split(" ")[0]
    return base in ("Resource", "DomainResource")


def resources() -> tuple[str, ...]:
    """Return the names of all resource types."""
    return tuple(name for name in _lines() if is_resource(name))
