"""The score shows its sum, counts nothing undecided as met, and concludes only what cannot change."""

from compliance.model import Verdict
from compliance.scoring import GAPS, score

V = Verdict


def test_undecided_items_make_a_range_and_no_conclusion():
    result = score([V.CONFORM] * 50 + [V.PENDING] * 40 + [V.VIOLATED] * 10)
    assert (result.low, result.high) == (50.0, 90.0)
    assert "尚无结论" in result.conclusion.zh
    assert "50 ÷ (100 − 0)" in result.sum


def test_not_applicable_leaves_the_denominator_and_partial_earns_nothing():
    result = score([V.CONFORM] * 8 + [V.PARTIAL] * 2 + [V.NOT_APPLICABLE] * 10)
    assert result.low == result.high == 80.0
    assert "非正式" in result.conclusion.zh


def test_ninety_is_not_above_ninety():
    assert "60% 与 90%" in score([V.CONFORM] * 9 + [V.VIOLATED]).conclusion.zh
    assert "高于 90%" in score([V.CONFORM] * 10).conclusion.zh
    assert "不高于 60%" in score([V.CONFORM] * 6 + [V.VIOLATED] * 4).conclusion.zh


def test_nothing_applicable_is_no_division_by_zero():
    assert score([V.NOT_APPLICABLE]).low == 0.0


def test_the_gaps_are_told():
    assert len(GAPS) >= 5
