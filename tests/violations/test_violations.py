"""A conforming box broken in known ways, one at a time: each found, alone, mended, and undone exactly.

`HBOX_VIOLATIONS=all` tries every one and mends all that can be; else a few, chosen by `HBOX_VIOLATIONS_SEED`.
"""

import os
import random

import pytest

from compliance.differences import compare
from tests.violations import box, mending
from tests.violations.judging import checks_moved, conforming, verdicts
from tests.violations.suite import attempt
from tests.violations.table import VIOLATIONS

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

ALL = os.environ.get("HBOX_VIOLATIONS") == "all"
CHANCE = random.Random(os.environ.get("HBOX_VIOLATIONS_SEED", "1"))  # noqa: S311 - a sample, not a secret
SAMPLE, MENDED = 8, 3
MENDABLE = [one for one in VIOLATIONS if one.remedy]
FOUND = VIOLATIONS if ALL else CHANCE.sample(VIOLATIONS, SAMPLE)
MENDING = MENDABLE if ALL else CHANCE.sample([one for one in MENDABLE if one not in FOUND], MENDED)
CHOSEN = sorted({one.id: one for one in (*FOUND, *MENDING)}.values(), key=lambda one: one.id)


def test_two_runs_without_a_change_say_the_same(node, before):
    again = box.inspect(node)
    assert verdicts(again) == verdicts(before)
    assert compare(before, again).drift == ()


def test_what_is_to_be_broken_conforms(before):
    checks = {one.check for one in VIOLATIONS if not one.already}
    assert {check for check in checks if not conforming(check, before)} == set()


@pytest.mark.parametrize("violation", CHOSEN, ids=lambda one: one.id)
def test_a_violation_is_found_mended_and_undone(node, before, violation):
    mend = mending.by_product if violation in MENDING else None
    faults = attempt(node, violation, before, mend).faults
    assert not faults, "\n".join(faults)


def test_nothing_is_left_of_them(node, before):
    assert checks_moved(before, box.inspect(node)) == set()
