"""Sums up the findings under each rule set: a low and a high figure, the sum by hand, a conclusion.

Low counts what is undecided as not met, high as met. Under the rate an undecided item that turns out
not to apply ends between the two: n earned of a items give n/(a−k) ≤ (n+k)/a, since n ≤ a−k. Under the
points it can end below `low` (the others then weigh more), so no grade is built on that `low`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from appliance.errors import Text
from compliance import grades
from compliance.grades import Dangers
from compliance.model import Verdict
from compliance.rulesets import POINTS, RATE, RULESETS, Ruleset, chosen, weights

MANAGERIAL = frozenset({"8.1.6", "8.1.7", "8.1.8", "8.1.9", "8.1.10", "8.2.6", "8.2.7"})
_PARTIAL = {"none": Fraction(0), "half": Fraction(1, 2)}
_TERMS = {
    RATE.name: "括号内每项为 条款数 × 得分 each term: items × what each earns",
    POINTS.name: "括号内每项为 条款数 × f(ω) × (1−x) each term: items × weight × what each loses",
}
_UNDECIDED = (Verdict.PENDING, Verdict.UNKNOWN)

Part = Mapping[str, Any]


@dataclass(frozen=True)
class Mark:
    """One item: what is said of each of its objects, and what it is worth when undecided fails or holds.

    `low` and `high` are from 0 to 1; `weight` from 1 to 3.
    """

    item: str
    part: str
    managerial: bool
    verdicts: tuple[Verdict, ...]
    weight: int = 1
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    @property
    def applicable(self) -> bool:
        """Whether the item applies to any object at all."""
        return set(self.verdicts) != {Verdict.NOT_APPLICABLE}


@dataclass(frozen=True)
class Score:
    """The result under one rule set, in percent (or points out of 100). `sum` can be redone by hand."""

    ruleset: Ruleset
    options: Mapping[str, str]
    total: int
    not_applicable: int
    conform: int
    undecided: int
    low: Fraction
    high: Fraction
    sum: tuple[str, ...]
    conclusion: Text
    marks: tuple[Mark, ...]


def marks(report: Part) -> list[Mark]:
    """Return the items of a report with the verdicts of their objects; an item without one waits."""
    held: dict[str, list[Verdict]] = {}
    for finding in report["findings"]:
        held.setdefault(finding["item"], []).append(Verdict(finding["verdict"]))
    parts = {layer["id"]: layer["part"] for layer in report["layers"]}
    return [
        Mark(
            item["id"],
            parts[item["layer"]],
            item["layer"] in MANAGERIAL,
            tuple(held.get(item["id"], [Verdict.PENDING])),
        )
        for item in report["items"]
    ]


def scores(of: Sequence[Mark], dangers: Dangers, options: Mapping[str, str]) -> list[Score]:
    """Return the result under every rule set; `options` as in `Given.options`."""
    return [score(ruleset, of, dangers, options) for ruleset in RULESETS]


def score(
    ruleset: Ruleset, of: Sequence[Mark], dangers: Dangers, options: Mapping[str, str]
) -> Score:
    """Return the result under `ruleset`."""
    taken = chosen(ruleset, options)
    given = weights(ruleset, options)
    scoped = [one for one in of if taken["scope"] == "all" or one.part == "general"]
    valued = [_valued(one, taken, given.get(one.item, 1)) for one in scoped if one.applicable]
    summed = _points if ruleset is POINTS else _rate
    low, how_low = summed(valued, taken, high=False)
    high, how_high = summed(valued, taken, high=True)
    out = len(scoped) - len(valued)
    undecided = sum(one.low != one.high for one in valued)
    floor = Fraction(0) if ruleset is POINTS and undecided else low
    return Score(
        ruleset=ruleset,
        options={**taken, **{f"weight.{item}": str(weight) for item, weight in given.items()}},
        total=len(scoped),
        not_applicable=out,
        conform=sum(one.low == 1 for one in valued),
        undecided=undecided,
        low=low,
        high=high,
        sum=(
            f"计入条款 items counted: {len(scoped)} − 不适用 n.a. {out} = {len(valued)}；{_TERMS[ruleset.name]}",
            f"低（未判定按不符合）low: {how_low}",
            f"高（未判定按符合）high: {how_high}",
        ),
        conclusion=grades.conclude(ruleset, taken, (floor, high), dangers),
        marks=tuple(valued),
    )


def _valued(mark: Mark, taken: Mapping[str, str], weight: int) -> Mark:
    low, high = (_value(mark.verdicts, taken, undecided) for undecided in (0, 1))
    return replace(mark, weight=weight, low=low, high=high)


def _value(verdicts: Sequence[Verdict], taken: Mapping[str, str], undecided: int) -> Fraction:
    """Return what the item earns, from 0 to 1, with its undecided objects at `undecided`."""
    earned = {
        Verdict.CONFORM: Fraction(1),
        Verdict.VIOLATED: Fraction(0),
        Verdict.PARTIAL: _PARTIAL[taken["partial"]],
        **dict.fromkeys(_UNDECIDED, Fraction(undecided)),
    }
    each = [earned[one] for one in verdicts if one is not Verdict.NOT_APPLICABLE]
    return min(each) if taken["objects"] == "worst" else sum(each, Fraction(0)) / len(each)


def _rate(valued: Sequence[Mark], _taken: Mapping[str, str], *, high: bool) -> tuple[Fraction, str]:
    """符合率: what the applicable items earn, by their number."""
    if not valued:
        return Fraction(0), "0"
    earned = [one.high if high else one.low for one in valued]
    total = sum(earned, Fraction(0))
    rate = 100 * total / len(valued)
    terms = _terms(Counter((value,) for value in earned))
    return rate, f"({terms}) ÷ {len(valued)} = {_told(total)} ÷ {len(valued)} = {_told(rate)} %"


def _points(
    valued: Sequence[Mark], taken: Mapping[str, str], *, high: bool
) -> tuple[Fraction, str]:
    """M = Vt + Vm, each a share of 100 less f(ω) × (1 − x) × 100 ÷ n of every item, at least 0."""
    if not valued:
        return Fraction(0), "0"
    y = Fraction(taken["y"])
    parts = []
    total = Fraction(0)
    for name, share, managerial in (("Vt", y, False), ("Vm", 1 - y, True)):
        lost = [
            (Fraction(one.weight), 1 - (one.high if high else one.low))
            for one in valued
            if one.managerial is managerial
        ]
        worth = 100 * share - sum((f * x for f, x in lost), Fraction(0)) * 100 / len(valued)
        worth = max(Fraction(0), worth)
        total += worth
        terms = _terms(Counter(lost))
        parts.append(
            f"{name} = max(0, 100 × {_told(share)} − ({terms}) × 100 ÷ {len(valued)}) = {_told(worth)}"
        )
    return total, "；".join((*parts, f"M = Vt + Vm = {_told(total)}"))


def _terms(groups: Mapping[tuple[Fraction, ...], int]) -> str:
    """Write how many items have which factors: `12 × 1 + 3 × 1/2`; factors of 0 add nothing."""
    shown = [
        " × ".join((str(count), *map(str, factors)))
        for factors, count in sorted(groups.items(), reverse=True)
        if all(factors)
    ]
    return " + ".join(shown) or "0"


def _told(number: Fraction) -> str:
    """Write a number with at most two decimals."""
    return f"{float(number):.2f}".rstrip("0").rstrip(".")
