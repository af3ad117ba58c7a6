"""Recorded cases: what a machine answered, and what must be concluded from it."""

import json
from dataclasses import dataclass
from pathlib import Path

from compliance.evidence import Answer, Evidence, Status

FOLDER = Path(__file__).parents[2] / "compliance" / "cases"


@dataclass(frozen=True)
class Case:
    check: str
    name: str
    verdict: str
    source: str
    answers: tuple[Evidence, ...]


def load(path: Path) -> Case:
    raw = json.loads(path.read_text("utf-8"))
    answers = tuple(
        Evidence.of(
            a["asked"],
            Answer(a["answer"], Status(a["status"]), a["exit"]),
            at=a["at"],
            where=a["where"],
        )
        for a in raw["answers"]
    )
    return Case(path.parent.name, path.stem, raw["verdict"], raw["source"], answers)


CASES = [load(path) for path in sorted(FOLDER.glob("*/*.json"))]
