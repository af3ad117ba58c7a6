"""What became of a setting between two runs, line by line, from the evidence of both reports."""

import difflib
from collections.abc import Mapping
from typing import Any

from compliance import stable
from compliance.differences import Differences, Kind

MOST = 60  # lines of one setting: the reports have the rest
_TONES = {"+": "added", "-": "gone", "@": "place"}
Lines = list[tuple[str, str]]
"""Lines of a diff, each with the tone that it is shown in ("" for what is on both sides)."""


def lines(
    before: Mapping[str, Any], after: Mapping[str, Any], found: Differences
) -> dict[tuple[str, str], Lines]:
    """Return the diff of every setting that moved, by (object, question). Pure."""
    old, new = (_proofs(report) for report in (before, after))
    return {
        (one.subject, one.name): _diff(old[key], new[key])
        for one in found.found
        if one.kind is Kind.SETTING and (key := (one.subject, one.name)) in old and key in new
    }


def _proofs(report: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(one["where"], one["asked"]): one for one in report["evidence"].values()}


def _diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> Lines:
    told = list(difflib.unified_diff(stable.lines(old), stable.lines(new), lineterm="", n=0))[2:]
    shown = [(_TONES.get(line[:1], ""), line) for line in told[:MOST]]
    return [*shown, ("place", "…")] if len(told) > MOST else shown
