"""What two reports say of one violation: found at its item, and whether anything else moved. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compliance.differences import Kind, compare
from tests.violations.violation import Violation

Report = Mapping[str, Any]
BAD = ("violated", "partial")


@dataclass(frozen=True)
class Sight:
    """What was seen of a violation: faults of the suite's promises, one line each; none is good."""

    faults: tuple[str, ...]
    moved: tuple[str, ...]


def seen(violation: Violation, before: Report, during: Report) -> Sight:
    """Compare a conforming box with the same box under the violation."""
    moved = checks_moved(before, during)
    faults = [*_missed(violation, before, during), *_strangers(violation, moved, before, during)]
    return Sight(tuple(faults), tuple(sorted(moved)))


def checks_moved(before: Report, after: Report) -> set[str]:
    """Return the checks whose verdict, or whose reason for a fault, is another."""
    return {one.name for one in compare(before, after).found if one.kind is Kind.CHECK}


def verdicts(report: Report) -> dict[tuple[str, str], str]:
    """Return every check's verdict, by check and object."""
    return {(one["id"], one["subject"]): one["verdict"] for one in report["checks"]}


def conforming(check: str, report: Report) -> bool:
    """Whether the check finds nothing wrong there: what does not apply is how it should be."""
    return all(one["verdict"] in ("conform", "not_applicable") for one in _of(check, report))


def unlike(violation: Violation, mended: Report) -> set[str]:
    """Return the check that could not conform before and is now rid of what the violation did."""
    told = [one["reason"]["en"] for one in _of(violation.check, mended)]
    rid = not any(re.search(violation.says, text) for text in told)
    return {violation.check} if violation.already and rid else set()


def _of(check: str, report: Report) -> Sequence[Report]:
    found = [one for one in report["checks"] if one["id"] == check]
    if not found:
        raise LookupError(f"no check is called {check}")
    return found


def _missed(violation: Violation, before: Report, during: Report) -> list[str]:
    faults = []
    if not violation.already and not conforming(violation.check, before):
        faults.append(f"{violation.check} does not conform before anything is broken")
    bad = [one for one in _of(violation.check, during) if one["verdict"] in BAD]
    if not bad:
        said = ", ".join(one["verdict"] for one in _of(violation.check, during))
        return [*faults, f"{violation.check} does not find it: {said}"]
    told = [one["reason"]["en"] for one in bad]
    if not any(re.search(violation.says, text) for text in told):
        faults.append(f"{violation.check} finds something else: {told}")
    return faults + _item(violation, during, {one["subject"] for one in bad})


def _item(violation: Violation, during: Report, subjects: set[str]) -> list[str]:
    laws = [during, *during.get("laws", ())]
    fallen = [
        one
        for part in laws
        for one in part["findings"]
        if one["item"] == violation.item
        and one["subject"] in subjects
        and violation.check in one["checks"]
        and one["machine"] in BAD
    ]
    return [] if fallen else [f"item {violation.item} does not fall on {sorted(subjects)}"]


def _strangers(violation: Violation, moved: set[str], before: Report, during: Report) -> list[str]:
    expected = {violation.check, *violation.also}
    faults = [f"{name} moved as well" for name in sorted(moved - expected)]
    faults += [f"{name} should have seen it too" for name in sorted(expected - moved)]
    changed = [one for one in compare(before, during).found if one.kind is Kind.FINDING]
    items = {item for one in during["checks"] if one["id"] in expected for item in one["items"]}
    faults += [
        f"item {one.name} moved on {one.subject}"
        for one in changed
        if one.name not in items and not one.name.startswith("law")
    ]
    return faults
