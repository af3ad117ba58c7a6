"""Waivers: one that holds needs reason, measure, another's approval and time; none changes a verdict."""

from dataclasses import replace

import pytest

from compliance.waivers import Standing, read, weigh
from tests.unit.compliance.people import TODAY, WAIVED

S = Standing


def weighed(verdict="violated", **changes):
    found = [{"item": WAIVED.item, "subject": WAIVED.subject, "verdict": verdict}]
    [one] = weigh([replace(WAIVED, **changes)], found, TODAY)
    return one


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, S.VALID),
        ({"expires": TODAY}, S.VALID),
        ({"expires": "2026-11-21"}, S.EXPIRED),
        ({"approved_by": "Wang "}, S.INVALID),
        ({"approved_by": ""}, S.INVALID),
        ({"requested_by": ""}, S.INVALID),
        ({"reason": " "}, S.INVALID),
        ({"measure": ""}, S.INVALID),
        ({"subject": "host:nowhere"}, S.NOTHING),
        ({"item": "9.9.9"}, S.NOTHING),
    ],
)
def test_a_waiver_holds_only_when_all_is_there(changes, state):
    one = weighed(**changes)
    assert one["state"] == state
    assert one["why"]["zh"]
    assert read(one) == replace(WAIVED, **changes)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("violated", S.VALID), ("partial", S.VALID), ("unknown", S.VALID), ("conform", S.NOTHING), ("pending", S.NOTHING), ("not_applicable", S.NOTHING)],
)  # fmt: skip
def test_only_what_is_open_can_be_waived(verdict, state):
    assert weighed(verdict)["state"] == state
