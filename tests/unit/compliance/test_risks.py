"""Risks: every case and trigger is there; only what was seen closes one; only proof lowers one."""

import pytest

from compliance import risks
from compliance.catalogue.risks import table
from compliance.checks import CHECKS
from compliance.risks import State, as_dict, counted, dangers, judge, names

S = State


def finding(item, subject, verdict, statement="", checks=()):
    return {
        "item": item,
        "subject": subject,
        "verdict": verdict,
        "statement": statement,
        "checks": list(checks),
    }


def ran(name, subject, verdict):
    return {"id": name, "subject": subject, "verdict": verdict}


def said(item, verdict="conform", subject="person:site", effect="decides"):
    return {"item": item, "subject": subject, "verdict": verdict, "effect": effect}


def judged(name, findings=(), checks=(), answers=(), **options):
    report = {
        "findings": list(findings),
        "checks": list(checks),
        "answers": list(answers),
        "options": {f"hbox-risk-1.{k}": v for k, v in options.items()},
    }
    return next(one for one in judge(report) if one.case.id == name)


def test_every_case_and_trigger_that_a_clause_names_is_in_the_table(requirements):
    cases = [one for one in table().cases if not one.major]
    assert {one.id for one in cases} == {i.high_risk for i in requirements.items if i.high_risk}
    triggers = {one.id for one in table().cases if one.major and one.items}
    assert triggers == {i.major_risk for i in requirements.items if i.major_risk}
    assert len(cases) == 55
    assert len(triggers) == 20
    assert {one.id for one in table().cases if not one.items} == {f"A-{n}" for n in range(27, 33)}
    assert len({one.id for one in table().cases}) == 81
    assert all(one.case for one in table().cases if one.major and one.items)


def test_every_check_the_table_names_is_there():
    known = {check.id for check in CHECKS}
    for case in table().cases:
        named = {*case.checks, *(check for m in case.mitigations for check in m.checks)}
        assert named <= known, case.id
        assert all(m.checks or m.people for m in case.mitigations), case.id
        assert case.limit in ("", "availability", "industry")


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("violated", S.OPEN), ("partial", S.OPEN), ("unknown", S.UNSEEN), ("pending", S.UNSEEN), ("conform", S.CLOSED), ("not_applicable", S.CLOSED)],
)  # fmt: skip
def test_a_case_follows_its_clauses_finding(verdict, state):
    assert judged("6.6.1.1", [finding("8.1.6.2.a", "person:site", verdict)]).state is state


def test_what_nobody_looked_at_is_unseen():
    assert judged("6.6.1.1").state is S.UNSEEN
    two = [finding("8.1.4.1.a", "host:n", "conform"), finding("8.1.4.1.a", "db:box", "pending")]
    risk = judged("6.4.1.1", two)
    assert risk.state is S.UNSEEN
    assert "db:box" in risk.why.zh
    assert "host:n" not in risk.why.zh


def test_checks_that_see_the_condition_itself_decide_on_their_object():
    """The clause waits for a person or fails for another reason; the condition was seen not to hold."""
    for verdict in ("pending", "violated"):
        found = [finding("8.1.5.4.d", "host:n", verdict, checks=["log_retention", "other"])]
        risk = judged(
            "6.5.1.2",
            found,
            [ran("log_retention", "host:n", "conform"), ran("other", "host:n", "violated")],
        )
        assert risk.state is S.CLOSED
        assert risk.places[0].checks == ("log_retention",)
    found = [finding("8.1.5.4.d", "host:n", "violated", statement="decides")]
    risk = judged("6.5.1.2", found, [ran("log_retention", "host:n", "conform")])
    assert risk.state is S.OPEN


OPEN = [finding("8.1.4.1.a", "host:n", "violated")]


def test_a_mitigation_that_the_box_proves_lowers_the_risk_and_its_trigger():
    assert judged("6.4.1.1", OPEN).state is S.OPEN
    for name in ("6.4.1.1", "A-18"):
        risk = judged(name, OPEN, [ran("two_factor", "host:n", "conform")])
        assert risk.state is S.DOWNGRADED
        assert risk.places[0].mitigation == "6.4.1.1/1"
        assert [one.proved for one in risk.lowerings] == ["box", ""]


@pytest.mark.parametrize("verdict", ["violated", "partial", "unknown", "pending", "not_applicable"])
def test_a_mitigation_that_is_not_seen_to_hold_lowers_nothing(verdict):
    assert judged("6.4.1.1", OPEN, [ran("two_factor", "host:n", verdict)]).state is S.OPEN
    elsewhere = [ran("two_factor", "host:m", "conform"), ran("two_factor", "host:n", verdict)]
    assert judged("6.4.1.1", OPEN, elsewhere).state is S.OPEN


def test_a_check_of_another_kind_must_hold_everywhere():
    found = [finding("8.1.4.1.a", "app:modules", "violated")]
    both = [
        ran("two_factor", "host:n", "conform"),
        ran("second_factor", "controller:box", "conform"),
    ]
    assert judged("6.4.1.1", found, both).state is S.DOWNGRADED
    assert judged("6.4.1.1", found, both[:1]).state is S.OPEN
    assert (
        judged("6.4.1.1", found, [*both, ran("two_factor", "host:m", "violated")]).state is S.OPEN
    )


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (said("6.4.1.1/2"), S.DOWNGRADED),
        (said("6.4.1.1/2", subject="host:n"), S.DOWNGRADED),
        (said("6.4.1.1/2", subject="host:m"), S.OPEN),
        (said("6.4.1.1/2", verdict="violated"), S.OPEN),
        (said("6.4.1.1/2", effect="waits"), S.OPEN),
        (said("6.4.1.1/2", effect="lapsed"), S.OPEN),
        (said("6.4.1.1/1"), S.OPEN),
    ],
)
def test_people_prove_what_is_theirs_to_prove(answer, state):
    assert judged("6.4.1.1", OPEN, answers=[answer]).state is state


def test_what_box_and_people_prove_together_needs_both():
    found = [finding("8.1.4.5.a", "host:n", "violated")]
    box, people = ran("usb_storage", "host:n", "conform"), said("6.4.4.1/1")
    assert judged("6.4.4.1", found, [box]).state is S.OPEN
    assert judged("6.4.4.1", found, answers=[people]).state is S.OPEN
    risk = judged("6.4.4.1", found, [box], [people])
    assert risk.state is S.DOWNGRADED
    assert risk.lowerings[0].proved == "both"


def test_one_object_left_keeps_the_risk_open():
    found = [*OPEN, finding("8.1.4.1.a", "host:m", "violated")]
    risk = judged("6.4.1.1", found, [ran("two_factor", "host:n", "conform")])
    assert risk.state is S.OPEN
    assert [(one.subject, one.state) for one in risk.places] == [
        ("host:m", S.OPEN),
        ("host:n", S.DOWNGRADED),
    ]
    assert risk.lowerings[0].proved == ""


def test_a_case_limited_to_high_availability_is_closed_where_the_hospital_says_so():
    found = [finding("8.1.4.9.c", "controller:box", "violated")]
    assert judged("6.4.6.2", found).state is S.OPEN
    assert judged("6.4.6.2", found, availability="no").state is S.CLOSED
    assert judged("6.4.1.1", OPEN, availability="no").state is S.OPEN
    found = [finding("8.1.3.3.c", "boundary:gateway", "violated")]
    assert judged("A-15", found, industry="no").state is S.CLOSED


def test_a_trigger_without_a_clause_is_closed_by_people_alone_and_never_against_a_check():
    good = [ran("listening", "host:n", "conform"), ran("gateway_proof", "boundary:g", "conform")]
    bad = [*good, ran("plaintext_services", "host:n", "violated")]
    assert judged("A-29", checks=good).state is S.UNSEEN
    assert judged("A-29", checks=good, answers=[said("A-29")]).state is S.CLOSED
    assert judged("A-29", checks=bad).state is S.OPEN
    assert judged("A-29", checks=bad, answers=[said("A-29")]).state is S.OPEN
    denied = judged("A-29", checks=bad, answers=[said("A-29")]).places
    assert [(one.subject, one.state) for one in denied] == [("host:n", S.OPEN)]
    assert judged("A-27", answers=[said("A-27", "violated")]).state is S.OPEN
    assert {"A-27", "6.4.1.1/1"} <= names()
    assert "A-18" not in names()


def test_major_comes_first_and_the_worst_among_equals(plain):
    found = judge(plain)
    assert len(found) == 81
    majors = [one.case.major for one in found]
    assert majors == sorted(majors, reverse=True)
    for level in (True, False):
        states = [list(S).index(one.state) for one in found if one.case.major is level]
        assert states == sorted(states)
    assert dangers(found).major_unseen > 0


def test_the_count_is_printed_before_and_corrected():
    def risk(name, level, state):
        return {"id": name, "level": level, "state": state}

    now = [
        risk("A-18", "major", "open"),
        risk("A-19", "major", "downgraded"),
        risk("A-20", "major", "closed"),
        risk("6.4.1.1", "high", "unseen"),
    ]
    assert counted(now, None)["major"]["printed"] == "1"
    held = counted(now, ("A-18", "A-19", "A-20", "6.4.1.1", "gone-from-the-table"))
    assert held["major"] == {
        "open": 1,
        "unseen": 0,
        "before": 3,
        "corrected": 2,
        "printed": "3（2个已整改）",
    }
    assert held["high"]["unseen"] == 1


def test_a_risk_in_json_says_who_can_prove_each_mitigation():
    plain = as_dict(judged("6.4.1.1", OPEN))
    assert [one["provable"] for one in plain["mitigations"]] == ["box", "people"]
    assert {
        one["id"]: one["level"]
        for one in map(as_dict, judge({"findings": [], "checks": [], "answers": [], "options": {}}))
    }["A-18"] == "major"
    assert set(risks.STATE_TEXT) == set(S)
