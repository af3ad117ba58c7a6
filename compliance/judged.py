"""What the machine judged, counted apart from what waits for a person; it changes no verdict.

An item takes its worst object, and most items also name objects that only a person can examine. Counted
by item nearly all is pending, and what the checks found disappears. Here it is counted by object.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from compliance.model import WORST_FIRST, Verdict

Part = Mapping[str, Any]

OPEN = (Verdict.VIOLATED, Verdict.PARTIAL, Verdict.UNKNOWN)
"""Verdicts of findings that somebody must act on, worst first."""


def count(report: Part) -> dict[str, Any]:
    """Return the counts per object and per layer from a report's checks and findings.

    Of an object: `checks` by verdict, and `findings` (an item on that object) on which at least one
    check ran. Among these `pending` means: the checks conform, a person examines the rest of the item.
    Of a layer: the same `findings`, how many `items` it has and how many of them a check `asked`.
    """
    found = [one for one in report["findings"] if one["checks"]]
    layers = {item["id"]: item["layer"] for item in report["items"]}
    return {
        "objects": [_object(one, report["checks"], found) for one in report["subjects"]],
        "layers": [_layer(one["id"], layers, found) for one in report["layers"]],
    }


def acute(report: Part) -> list[Part]:
    """Return the findings to act on: worst first, high-risk items first among equals."""
    risky = {item["id"]: bool(item["high_risk"]) for item in report["items"]}
    found = [one for one in report["findings"] if one["verdict"] in OPEN]
    return sorted(found, key=lambda one: (OPEN.index(one["verdict"]), not risky[one["item"]]))


def _object(subject: Part, checks: Sequence[Part], found: Sequence[Part]) -> dict[str, Any]:
    ref = subject["ref"]
    return {
        "ref": ref,
        "kind": subject["kind"],
        "title": dict(subject["title"]),
        "checks": _counts(one for one in checks if one["subject"] == ref),
        "findings": _counts(one for one in found if one["subject"] == ref),
    }


def _layer(layer: str, layers: Mapping[str, str], found: Sequence[Part]) -> dict[str, Any]:
    of_layer = [one for one in found if layers[one["item"]] == layer]
    return {
        "id": layer,
        "findings": _counts(of_layer),
        "items": sum(held == layer for held in layers.values()),
        "asked": len({one["item"] for one in of_layer}),
    }


def _counts(parts: Iterable[Part]) -> dict[str, int]:
    counts = Counter(one["verdict"] for one in parts)
    return {str(verdict): counts.get(verdict, 0) for verdict in WORST_FIRST}
