"""Everything of a report that follows from its findings: answers, waivers, risks, rule sets, score.

Pure functions of the report's own parts: the builder fills them in, the verifier computes them again.
"""

from collections.abc import Mapping
from typing import Any

from compliance import risks, statements, waivers
from compliance.catalogue.risks import table
from compliance.rulesets import DANGER, Option, Ruleset, chosen
from compliance.scoring import Mark, Score, marks, scores

Part = Mapping[str, Any]

DERIVED = ("answers", "waivers", "risk_rules", "risks", "risk_count", "rulesets", "score")
"""Keys of a report that `derive` computes."""


def derive(report: Part) -> dict[str, Any]:
    """Return the derived parts; `report` has all others, and `answers` and `waivers` as given."""
    today = report["today"]
    found = [*report["findings"], *(one for law in report["laws"] for one in law["findings"])]
    effects = {(one["item"], one["subject"]): one["statement"] for one in found}
    stated = [statements.read(one) for one in report["answers"]]
    answers = statements.weigh(stated, effects, risks.names(), today)
    waived = waivers.weigh([waivers.read(one) for one in report["waivers"]], found, today)
    judged = risks.judge({**report, "answers": answers})
    plain = [risks.as_dict(one) for one in judged]
    former = report["former"]
    summed = scores(marks(report), risks.dangers(judged), report["options"])
    return {
        "answers": answers,
        "waivers": waived,
        "risk_rules": {
            "name": DANGER.name,
            "version": DANGER.version,
            "sha256": table().sha256,
            "title": DANGER.title.as_dict(),
            "status": DANGER.status.as_dict(),
            "options": _options(DANGER, chosen(DANGER, report["options"])),
            "gaps": [gap.as_dict() for gap in DANGER.gaps],
        },
        "risks": plain,
        "risk_count": risks.counted(plain, former["risks"] if former else None),
        "rulesets": [_ruleset(one) for one in summed],
        "score": _score(summed[0]),
    }


def _ruleset(score: Score) -> dict[str, Any]:
    ruleset = score.ruleset
    return {
        "name": ruleset.name,
        "version": ruleset.version,
        "title": ruleset.title.as_dict(),
        "official": False,
        "status": ruleset.status.as_dict(),
        "options": _options(ruleset, score.options),
        **_figures(score),
        "lines": list(score.sum),
        "marks": [_mark(one) for one in score.marks],
        "gaps": [gap.as_dict() for gap in ruleset.gaps],
    }


def _score(score: Score) -> dict[str, Any]:
    """Return the first rule set's result as summaries take it."""
    gaps = [gap.as_dict() for gap in score.ruleset.gaps]
    return {"ruleset": score.ruleset.name, **_figures(score), "gaps": gaps}


def _figures(score: Score) -> dict[str, Any]:
    return {
        "total": score.total,
        "not_applicable": score.not_applicable,
        "conform": score.conform,
        "undecided": score.undecided,
        "low": round(float(score.low), 2),
        "high": round(float(score.high), 2),
        "conclusion": score.conclusion.as_dict(),
        "sum": "；".join(score.sum),
    }


def _options(ruleset: Ruleset, taken: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_option(one, taken[one.key]) for one in ruleset.options]


def _option(option: Option, taken: str) -> dict[str, Any]:
    return {
        "key": option.key,
        "title": option.title.as_dict(),
        "taken": taken,
        "default": option.default,
        "choices": [{"key": k, "text": text.as_dict()} for k, text in option.choices.items()],
        "why": option.why.as_dict(),
        "source": option.source,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    """Return what one item earns, as fractions, so that the sum can be redone to the last digit."""
    return {"item": mark.item, "weight": mark.weight, "low": str(mark.low), "high": str(mark.high)}
