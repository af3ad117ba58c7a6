"""Every check against recorded answers: a conforming and a violated one at least."""

import pytest

from compliance.checks import CHECKS
from compliance.engine import judge
from tests.unit.compliance.cases import CASES, FOLDER

BY_ID = {check.id: check for check in CHECKS}
# How a case is called says what must come of it.
MEANT = {"pass": ("conform",), "na": ("not_applicable",), "fail": ("violated", "partial")}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.check}-{c.name}")
def test_a_recorded_case_is_judged_as_it_says(case):
    check = BY_ID[case.check]
    asked = tuple(answer.asked for answer in case.answers)
    assert asked == tuple(question.asked for question in check.questions), "record this case anew"
    judgement = judge(check, case.answers)
    assert str(judgement.verdict) == case.verdict
    head = case.name.partition("_")[0]
    assert case.verdict in MEANT[head]
    assert judgement.reason.zh
    assert judgement.reason.en


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
def test_no_check_is_without_a_conforming_and_a_violated_case(check):
    names = [case.name for case in CASES if case.check == check.id]
    # What must not be there at all (mail) conforms by not applying.
    assert any(name.startswith(("pass_", "na_")) for name in names), (
        f"record {FOLDER / check.id}/pass_*.json"
    )
    assert any(name.startswith("fail_") for name in names), (
        f"record {FOLDER / check.id}/fail_*.json"
    )


def test_no_recorded_case_is_left_without_its_check():
    assert {case.check for case in CASES} == set(BY_ID)


def test_no_recorded_answer_holds_a_secret():
    for case in CASES:
        for answer in case.answers:
            assert "PRIVATE KEY" not in answer.answer
            assert not any(part[:1] == "$" for part in answer.answer.split("argon2id$")[1:])
            assert "$6$" not in answer.answer
            assert "$y$" not in answer.answer
