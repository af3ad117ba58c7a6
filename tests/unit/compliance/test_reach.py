"""How much of level 3 the machine reaches: an item counts only where a violation changes its finding."""

import pytest

from compliance import reach
from compliance.checks import CHECKS
from compliance.model import Kind
from tests.unit.compliance.cases import FOLDER


@pytest.fixture(scope="module")
def table(requirements):
    return reach.reached(requirements, FOLDER)


def test_at_least_120_of_the_211_general_items_are_reached(table):
    assert sum(item.startswith("8.1.") for item in table) >= 120


def test_an_item_that_only_people_can_judge_is_reached_by_no_check(requirements, table):
    machine = {item.id: item.machine for item in requirements.items}
    assert not {item for item in table if machine[item] == "no"}


def test_every_check_reaches_every_item_it_names(table):
    missed = [(c.id, i) for c in CHECKS for i in c.items if c.id not in table.get(i, ())]
    assert missed == []


def test_every_kind_of_object_of_the_box_is_asked():
    assert {check.kind for check in CHECKS} == set(Kind) - {Kind.PERSON}
