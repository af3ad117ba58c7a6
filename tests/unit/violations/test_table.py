"""The table of violations, and the pure judging of what two reports say of one."""

import copy

import pytest

from compliance.catalogue import LAWS, load
from compliance.checks import CHECKS
from compliance.remedies import REMEDIES
from compliance.remedies.reach import reach
from tests.violations.judging import seen
from tests.violations.table import VIOLATIONS
from tests.violations.violation import Violation

BY_ID = {check.id: check for check in CHECKS}


def report(faillock="conform", reason="5 failures lock", umask="conform"):
    checks = [
        ("faillock", faillock, reason, ["8.1.4.1.b"]),
        ("umask", umask, "UMASK", ["8.1.4.2.f"]),
    ]
    return {
        "started": "2026-11-22T00:00:00+00:00",
        "seconds": 1.0,
        "subjects": [{"ref": "host:n"}],
        "evidence": {},
        "checks": [
            {"id": name, "subject": "host:n", "verdict": verdict, "items": items,
             "reason": {"zh": said, "en": said}}
            for name, verdict, said, items in checks
        ],
        "findings": [
            {"item": items[0], "subject": "host:n", "verdict": verdict, "machine": verdict, "checks": [name]}
            for name, verdict, _, items in checks
        ],
    }  # fmt: skip


FIFTY = Violation(
    "fifty", "x", "faillock", "8.1.4.1.b", "deny=50", touched=("/x",), remedy="faillock"
)


def test_a_violation_that_is_found_at_its_item_and_alone_has_no_fault():
    assert seen(FIFTY, report(), report("violated", "too lax: deny=50")).faults == ()


@pytest.mark.parametrize(
    ("before", "during", "fault"),
    [
        (report(), report(), "does not find it: conform"),
        (report(), report("unknown", "?"), "does not find it: unknown"),
        (report(), report("violated", "not in the stack"), "finds something else"),
        (report(), report("violated", "deny=50", umask="violated"), "umask moved as well"),
        (report("violated", "a"), report("violated", "deny=50"), "does not conform before"),
    ],
)
def test_what_the_suite_promises_is_held_against_the_reports(before, during, fault):
    assert any(fault in one for one in seen(FIFTY, before, during).faults)


def test_a_finding_that_stands_although_its_check_fell_is_a_fault():
    during = copy.deepcopy(report("violated", "deny=50"))
    during["findings"][0]["machine"] = "pending"
    assert any(
        "item 8.1.4.1.b does not fall" in one for one in seen(FIFTY, report(), during).faults
    )


def test_every_violation_is_called_otherwise_and_there_are_enough():
    assert len({one.id for one in VIOLATIONS}) == len(VIOLATIONS)
    assert len(VIOLATIONS) >= 60


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda one: one.id)
def test_every_violation_names_a_check_and_one_of_its_items(violation):
    items = {item.id for part in ("", *LAWS) for item in (load(part) if part else load()).items}
    assert violation.item in BY_ID[violation.check].items
    assert violation.item in items
    assert not BY_ID[violation.check].kernel_bound
    assert set(violation.also) <= set(BY_ID)
    assert all(violation.also.values()), "say why it moves as well"


def test_every_remedy_that_is_said_to_mend_is_one_of_the_box():
    assert {one.remedy for one in VIOLATIONS if one.remedy} - set(REMEDIES) == set()


@pytest.mark.parametrize("violation", [v for v in VIOLATIONS if v.remedy], ids=lambda v: v.id)
def test_what_mending_it_moves_back_is_explained_by_the_mending(violation):
    assert {violation.check, *violation.also} <= set(reach([violation.remedy]))


def test_a_mending_explains_little_beside_what_it_mends():
    for remedy in REMEDIES:
        assert len([check for check in CHECKS if check.id in reach([remedy])]) <= len(CHECKS) / 3, (
            remedy
        )
    assert "auditd" not in reach(["sshd_limits"])
    assert reach(["no such"]) == ()


def test_a_mending_of_the_filter_explains_what_all_objects_of_the_box_show_of_it():
    found = reach(["mail_closed", "records_modes"])
    assert {"central_policy", "tunnels", "nft -j list ruleset"} <= set(found)
    assert not {"pg_roles", "idle_accounts", "faillock", "auditd"} & set(found)
