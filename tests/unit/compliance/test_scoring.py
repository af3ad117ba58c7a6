"""The rule sets: the sum can be redone, undecided counts as nothing, every hole is an option one sees."""

import re
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import rulesets
from compliance.grades import Dangers
from compliance.model import Verdict
from compliance.rulesets import POINTS, RATE, RULESETS, BadOption, Option
from compliance.scoring import Mark, score, scores

V = Verdict
SAFE = Dangers()


def marks(*groups, part="general", managerial=False):
    """Items from (count, verdicts of their objects)."""
    return [
        Mark(f"{part}.{managerial}.{at}.{number}", part, managerial, verdicts)
        for at, (count, *verdicts) in enumerate(groups)
        for verdicts in (tuple(verdicts),)
        for number in range(count)
    ]


def rate(*groups, dangers=SAFE, **options):
    return score(RATE, marks(*groups), dangers, {f"{RATE.name}.{k}": v for k, v in options.items()})


def points(of, dangers=SAFE, **options):
    return score(POINTS, of, dangers, {f"{POINTS.name}.{k}": v for k, v in options.items()})


def test_undecided_items_make_a_band_and_no_conclusion():
    result = rate((50, V.CONFORM), (40, V.PENDING), (10, V.VIOLATED))
    assert (result.low, result.high) == (50, 90)
    assert (result.conform, result.undecided) == (50, 40)
    assert "尚无结论" in result.conclusion.zh
    assert "(50 × 1) ÷ 100 = 50 ÷ 100 = 50 %" in result.sum[1]


def test_not_applicable_leaves_the_denominator_and_partial_earns_nothing_unless_chosen():
    groups = ((8, V.CONFORM), (2, V.PARTIAL), (10, V.NOT_APPLICABLE))
    assert rate(*groups).low == rate(*groups).high == 80
    assert rate(*groups, partial="half").low == 90
    assert "20 − 不适用 n.a. 10 = 10" in rate(*groups).sum[0]


@pytest.mark.parametrize(
    ("held", "boundary", "said"),
    [
        (9, "below", "基本符合"),
        (9, "above", "符合（"),
        (6, "below", "不符合"),
        (6, "above", "基本符合"),
    ],
)
def test_exactly_ninety_and_sixty_fall_as_the_option_says(held, boundary, said):
    result = rate((held, V.CONFORM), (10 - held, V.VIOLATED), boundary=boundary)
    assert result.conclusion.zh.startswith(said)
    assert "非正式结论" in result.conclusion.zh


@pytest.mark.parametrize(
    ("dangers", "option", "said"),
    [
        (Dangers(major_open=1), "basic", "基本符合"),
        (Dangers(major_open=1), "none", "规则未给出结论"),
        (Dangers(major_unseen=1), "basic", "尚无结论"),
        (Dangers(high_open=5, high_unseen=5), "basic", "符合（"),
    ],
)
def test_above_ninety_with_a_major_risk(dangers, option, said):
    assert rate((10, V.CONFORM), dangers=dangers, major=option).conclusion.zh.startswith(said)


def test_objects_of_an_item_combine_as_chosen():
    of = (4, V.CONFORM, V.VIOLATED, V.NOT_APPLICABLE)
    assert rate(of).low == 0
    assert rate(of, objects="mean").low == 50
    mixed = rate((1, V.CONFORM, V.CONFORM, V.UNKNOWN), objects="mean")
    assert (mixed.low, mixed.high) == (Fraction(200, 3), 100)
    assert "1 × 2/3" in mixed.sum[1]


def test_a_partly_conforming_object_hides_no_undecided_one():
    result = rate((1, V.PARTIAL, V.PENDING), partial="half")
    assert (result.low, result.high) == (0, 50)


def test_cloud_items_count_only_in_scope():
    of = [*marks((3, V.CONFORM)), *marks((1, V.VIOLATED), part="cloud")]
    assert score(RATE, of, SAFE, {}).low == 75
    assert score(RATE, of, SAFE, {"hbox-2025-1.scope": "general"}).low == 100


def test_the_points_by_hand():
    """10 items: M = (100·½ − 1·½·10) + (100·½ − (1 + 1)·10) = 45 + 30."""
    of = [
        *marks((5, V.CONFORM), (1, V.PARTIAL)),
        *marks((2, V.CONFORM), (2, V.VIOLATED), managerial=True),
    ]
    result = points(of)
    assert result.low == result.high == 75
    assert result.conclusion.zh.startswith("中")
    assert "M = Vt + Vm = 75" in result.sum[1]
    heavier = points(
        of, **{f"weight.{of[0].item}": "important", f"weight.{of[5].item}": "critical"}
    )
    assert heavier.low == 65
    assert points(of, y="0.7").low == 45 + 20 + 10
    assert points(of, Dangers(high_open=1)).conclusion.zh.startswith("差")


def test_neither_half_falls_below_nothing():
    assert points(marks((4, V.VIOLATED))).low == 50
    assert points(marks((4, V.VIOLATED)), y="0.4").low == 60


def test_no_grade_rests_on_points_that_a_not_applicable_answer_could_lower():
    of = [*marks((97, V.CONFORM), (1, V.VIOLATED)), *marks((2, V.PENDING), managerial=True)]
    assert points(of).low > 90
    assert "尚无结论" in points(of).conclusion.zh


def test_nothing_applicable_is_no_division_by_zero():
    for result in scores(marks((3, V.NOT_APPLICABLE)), SAFE, {}):
        assert result.low == result.high == 0


OBJECTS = st.lists(st.sampled_from(V), min_size=1, max_size=4).map(tuple)


@given(st.lists(OBJECTS, min_size=1, max_size=8), st.data())
def test_no_answer_still_missing_can_leave_the_band_of_the_rate(items, data):
    options = {
        f"{RATE.name}.{o.key}": data.draw(st.sampled_from(sorted(o.choices))) for o in RATE.options
    }
    band = score(
        RATE, [Mark(str(n), "general", False, v) for n, v in enumerate(items)], SAFE, options
    )
    decided = st.sampled_from([V.CONFORM, V.PARTIAL, V.VIOLATED, V.NOT_APPLICABLE])
    told = [
        tuple(data.draw(decided) if one in (V.PENDING, V.UNKNOWN) else one for one in item)
        for item in items
    ]
    final = score(
        RATE, [Mark(str(n), "general", False, v) for n, v in enumerate(told)], SAFE, options
    )
    if any(set(one) != {V.NOT_APPLICABLE} for one in told):
        assert band.low <= final.low == final.high <= band.high
    assert final.undecided == 0


@given(st.lists(OBJECTS, min_size=1, max_size=8))
def test_the_printed_sum_gives_the_printed_result(items):
    result = score(
        RATE,
        [Mark(str(n), "general", False, v) for n, v in enumerate(items)],
        SAFE,
        {"hbox-2025-1.objects": "mean"},
    )
    for line, figure in zip(result.sum[1:], (result.low, result.high), strict=True):
        terms = re.search(r"\((.*)\) ÷ (\d+)", line)
        if terms:
            total = sum(
                Fraction(a) * Fraction(b) for a, b in re.findall(r"(\d+) × ([\d/]+)", terms[1])
            )
            assert 100 * total / int(terms[2]) == figure


def test_every_option_is_whole_and_its_choices_differ():
    for ruleset, option in ((r, o) for r in rulesets.EVERY for o in r.options):
        assert isinstance(option, Option)
        assert option.default in option.choices
        assert len(option.choices) > 1
        assert all((option.why.zh, option.title.en, option.source)), (ruleset.name, option.key)
    assert [one.name for one in RULESETS] == ["hbox-2025-1", "2021-unverified"]
    assert all(len(one.gaps) >= 2 for one in rulesets.EVERY)


def test_each_option_of_a_rule_set_can_change_its_result():
    """An option that changes nothing would be a hole that is only painted over."""
    of = [
        *marks((18, V.CONFORM), (1, V.PARTIAL, V.CONFORM), (1, V.NOT_APPLICABLE)),
        *marks((1, V.CONFORM), part="cloud"),
        *marks((9, V.VIOLATED), part="cloud", managerial=True),
    ]
    ninety = marks((9, V.CONFORM), (1, V.VIOLATED))
    top = marks((10, V.CONFORM))
    half_lost = marks((4, V.VIOLATED))
    for ruleset in RULESETS:
        for option in ruleset.options:
            results = {
                tuple(
                    (s.low, s.conclusion.zh)
                    for s in (
                        score(ruleset, items, dangers, {f"{ruleset.name}.{option.key}": choice})
                        for items, dangers in product(
                            (of, ninety, top, half_lost), (SAFE, Dangers(major_open=1))
                        )
                    )
                )
                for choice in option.choices
            }
            assert len(results) == len(option.choices), (ruleset.name, option.key)


@pytest.mark.parametrize(
    "options",
    [
        {"hbox-2025-1.partial": "all"},
        {"hbox-2025-1.colour": "red"},
        {"partial": "half"},
        {"2021-unverified.weight.8.1.1.1.a": "9"},
        {"hbox-2025-1.weight.8.1.1.1.a": "critical"},
    ],
)
def test_an_option_nobody_knows_is_refused(options):
    with pytest.raises(BadOption) as caught:
        rulesets.check(options)
    assert caught.value.message.zh
    rulesets.check({"2021-unverified.weight.8.1.1.1.a": "critical", "hbox-risk-1.industry": "no"})
