"""The words at the end of a rule set: a grade only where nothing still undecided can change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from appliance.errors import Text
from compliance.rulesets import POINTS, Ruleset

_NOTE = Text("自查，非正式结论", "self-inspection, nothing official")

_GRADES = {
    "conform": Text("符合", "conforms"),
    "basic": Text("基本符合", "basically conforms"),
    "not": Text("不符合", "does not conform"),
    "none": Text("规则未给出结论：高于 90% 但有重大风险隐患", "the rules are silent: above 90 % with a major risk"),
    "best": Text("优（前提：无中风险）", "excellent (provided no medium risk)"),
    "good": Text("良", "good"),
    "fair": Text("中", "fair"),
    "poor": Text("差", "poor"),
}  # fmt: skip


@dataclass(frozen=True)
class Dangers:
    """How many risks are open (not downgraded) and how many nobody has seen to yet, by level."""

    major_open: int = 0
    major_unseen: int = 0
    high_open: int = 0
    high_unseen: int = 0


def conclude(
    ruleset: Ruleset, taken: Mapping[str, str], band: tuple[Fraction, Fraction], dangers: Dangers
) -> Text:
    """Return the grade, or between which two it lies; `band` is the low and high figure of 0 to 100."""
    grade = _points if ruleset is POINTS else _rate
    major, high = dangers.major_open > 0, dangers.high_open > 0
    worst = grade(
        taken,
        band[0],
        major=major or dangers.major_unseen > 0,
        high=high or dangers.high_unseen > 0,
    )
    best = grade(taken, band[1], major=major, high=high)
    if worst == best:
        one = _GRADES[worst]
        return Text(f"{one.zh}（{_NOTE.zh}）", f"{one.en} ({_NOTE.en})")
    low, top = _GRADES[worst], _GRADES[best]
    return Text(
        f"尚无结论：未判定的部分可使其在“{low.zh}”与“{top.zh}”之间（{_NOTE.zh}）",
        f"No conclusion yet: what is undecided leaves it between “{low.en}” and “{top.en}” ({_NOTE.en})",
    )


def _rate(taken: Mapping[str, str], rate: Fraction, *, major: bool, high: bool) -> str:
    """2025: above 90 % without a major risk conforms, above 60 % basically; high risks alone change nothing."""
    del high
    if _above(rate, 90, taken):
        return taken["major"] if major else "conform"
    return "basic" if _above(rate, 60, taken) else "not"


def _above(rate: Fraction, limit: int, taken: Mapping[str, str]) -> bool:
    return rate > limit or (rate == limit and taken["boundary"] == "above")


def _points(taken: Mapping[str, str], points: Fraction, *, major: bool, high: bool) -> str:
    """2021: any high risk is poor; else by points, at least 90, 80 and 70."""
    del taken
    if high or major:
        return "poor"
    for limit, grade in ((90, "best"), (80, "good"), (70, "fair")):
        if points >= limit:
            return grade
    return "poor"
