"""Counts the items that the checks reach: whose finding changes when a recorded violation is put in place.

    python -m compliance.reach [CASES]

CASES is the folder of recorded cases (`tests/compliance/cases` of a checkout): `<check>/pass_*.json` or
`na_*.json` is how a conforming box answers, `fail_*.json` how a box answers that breaks the rule.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from compliance import catalogue, engine, findings
from compliance.catalogue import Catalogue
from compliance.checks import CHECKS
from compliance.evidence import Answer, Evidence, Proofs, Status
from compliance.model import Check, Kind, Outcome, Subject, Verdict

CASES = Path("tests/compliance/cases")
SUBJECTS = {kind: Subject(kind, "box") for kind in Kind}


def read(path: Path) -> tuple[Evidence, ...]:
    """Return the answers of one recorded case."""
    return tuple(
        Evidence.of(
            one["asked"],
            Answer(one["answer"], Status(one["status"]), one["exit"]),
            at=one["at"],
            where=one["where"],
        )
        for one in json.loads(path.read_text("utf-8"))["answers"]
    )


def outcome(check: Check, path: Path) -> Outcome:
    """Return what the check concludes from a recorded case."""
    first, *rest = read(path)
    proofs: Proofs = (first, *rest)
    return Outcome(check, SUBJECTS[check.kind], engine.judge(check, proofs), proofs, 0.0)


def reached(requirements: Catalogue, folder: Path) -> dict[str, list[str]]:
    """Return item -> ids of the checks whose violation changes the finding of that item."""
    good = {check.id: outcome(check, _first(folder / check.id)) for check in CHECKS}
    before = _verdicts(requirements, list(good.values()))
    found: dict[str, list[str]] = {}
    for check in CHECKS:
        moved: set[str] = set()
        for path in sorted((folder / check.id).glob("fail_*.json")):
            outcomes = [one for one in good.values() if one.check is not check]
            after = _verdicts(requirements, [*outcomes, outcome(check, path)], check)
            moved |= set(_differing(before, after, check))
        for item in sorted(moved):
            found.setdefault(item, []).append(check.id)
    return found


def _first(folder: Path) -> Path:
    good = sorted(folder.glob("pass_*.json")) or sorted(folder.glob("na_*.json"))
    return good[0]


def _verdicts(
    requirements: Catalogue, outcomes: Sequence[Outcome], only: Check | None = None
) -> Mapping[tuple[str, Kind], Verdict]:
    kinds = (only.kind,) if only else tuple(SUBJECTS)
    subjects = [SUBJECTS[kind] for kind in kinds]
    mine = [one for one in outcomes if one.check.kind in kinds]
    found = findings.findings(requirements, subjects, mine)
    return {(one.item, one.subject.kind): one.verdict for one in found if one.subject in subjects}


def _differing(
    before: Mapping[tuple[str, Kind], Verdict],
    after: Mapping[tuple[str, Kind], Verdict],
    check: Check,
) -> Iterator[str]:
    for item in check.items:
        place = (item, check.kind)
        if place in after and after[place] is not before[place]:
            yield item


def main(arguments: list[str]) -> int:
    """Print the table, and the two numbers."""
    requirements = catalogue.load()
    found = reached(requirements, Path(arguments[0]) if arguments else CASES)
    for item in requirements.items:
        if item.id in found or item.machine != "no":
            sys.stdout.write(
                f"{item.id:12} {item.machine:6} {' '.join(found.get(item.id, ['-']))}\n"
            )
    general = sum(item.startswith("8.1.") for item in found)
    sys.stdout.write(
        f"\n通用要求 general: {general} / 211\n云扩展 cloud: {len(found) - general} / 46\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
