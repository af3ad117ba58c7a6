"""The table of high-risk cases and major-risk triggers, joined with the clauses that carry them."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from appliance.canonical import digest
from appliance.errors import Text
from compliance.catalogue import Catalogue, load

FILE = "risks.yaml"


@dataclass(frozen=True)
class Mitigation:
    """What may lower a risk: proved by all of `checks` conforming, by an approved statement, or by both."""

    id: str
    text: Text
    checks: tuple[str, ...]
    people: bool


@dataclass(frozen=True)
class Case:
    """A high-risk case (`6.4.1.1`) or major-risk trigger (`A-18`) with the items that carry it.

    `checks` see the condition itself. `limit` names the option of `rulesets.DANGER` that can rule it out.
    `case` is the high-risk case that a trigger shares its clause with.
    """

    id: str
    major: bool
    text: Text
    items: tuple[str, ...]
    checks: tuple[str, ...]
    mitigations: tuple[Mitigation, ...]
    limit: str
    case: str


@dataclass(frozen=True)
class Table:
    """All cases, triggers first, and the digest of the file they were read from."""

    sha256: str
    cases: tuple[Case, ...]


@cache
def table() -> Table:
    """Read the table that is shipped with this package."""
    data = (files("compliance.catalogue") / FILE).read_bytes()
    raw: dict[str, Any] = yaml.safe_load(data)
    catalogue = load()
    cases = {one["id"]: _case(one, catalogue) for one in raw["cases"]}
    triggers = tuple(_trigger(one, catalogue, cases) for one in raw["triggers"])
    return Table(digest(data), (*triggers, *cases.values()))


def _case(raw: dict[str, Any], catalogue: Catalogue) -> Case:
    name = raw["id"]
    return Case(
        id=name,
        major=False,
        text=Text(raw["zh"], raw["en"]),
        items=tuple(item.id for item in catalogue.items if item.high_risk == name),
        checks=tuple(raw.get("checks", ())),
        mitigations=tuple(
            Mitigation(
                f"{name}/{number}",
                Text(one["zh"], one["en"]),
                tuple(one.get("checks", ())),
                bool(one.get("people")),
            )
            for number, one in enumerate(raw.get("mitigations", ()), 1)
        ),
        limit=raw.get("limit", ""),
        case="",
    )


def _trigger(raw: dict[str, Any], catalogue: Catalogue, cases: dict[str, Case]) -> Case:
    """A trigger on a clause takes condition, checks and mitigations of the clause's case."""
    items = [item for item in catalogue.items if item.major_risk == raw["code"]]
    shared = cases[items[0].high_risk] if items and items[0].high_risk in cases else None
    return Case(
        id=raw["code"],
        major=True,
        text=Text(raw["zh"], raw["en"]),
        items=tuple(item.id for item in items),
        checks=shared.checks if shared else tuple(raw.get("checks", ())),
        mitigations=shared.mitigations if shared else (),
        limit=shared.limit if shared else "",
        case=shared.id if shared else "",
    )
