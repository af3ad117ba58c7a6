"""A person's statement counts only when another approved it in time, and overrides no machine."""

from dataclasses import replace
from itertools import product

import pytest

from appliance.errors import Text
from compliance.checks import COMPLETE
from compliance.evidence import Answer, Evidence, Status
from compliance.findings import everything, findings
from compliance.given import Given
from compliance.model import Check, Judgement, Kind, Outcome, Subject, Verdict
from compliance.questions import File
from compliance.statements import COUNTS, Effect, decide, read, weigh
from tests.unit.compliance.people import FIREWALL, ROOM, STATED, TODAY, given, stated

V, E = Verdict, Effect
NODE = Subject(Kind.HOST, "node1")
WHOLE, PART = (
    "8.1.4.1.a",
    "8.1.4.2.a",
)  # a clause that the host's checks answer as a whole, and one they do not
PERSONS = (V.CONFORM, V.PARTIAL, V.VIOLATED, V.NOT_APPLICABLE)


def outcome(verdict, item, name="some"):
    proof = Evidence.of(
        "cat /x", Answer("x", Status.ANSWERED), at="2026-11-22T00:00:00+00:00", where="n"
    )
    text = Text("机器说", "the machine says")
    check = Check(name, Kind.HOST, text, (item,), (File("/x"),), lambda _: Judgement(verdict, text))
    return Outcome(check, NODE, Judgement(verdict, text), (proof,), 0.0)


def found(requirements, item, machine, *statements):
    outcomes = [outcome(verdict, item, f"c{n}") for n, verdict in enumerate(machine)]
    everyone = findings(requirements, [NODE], outcomes, given(*statements))
    [one] = [f for f in everyone if f.item == item and f.subject == NODE]
    return one


def test_the_clauses_used_here_are_what_they_are_called():
    assert (WHOLE, Kind.HOST) in COMPLETE
    assert (PART, Kind.HOST) not in COMPLETE


@pytest.mark.parametrize("verdict", PERSONS)
def test_people_decide_what_no_check_asks(requirements, verdict):
    everyone = findings(requirements, [NODE], [], given(stated(verdict=verdict)))
    [one] = [f for f in everyone if f.item == STATED.item]
    assert (one.verdict, one.effect) == (verdict, E.DECIDES)
    assert STATED.record in one.reason.zh
    assert one.statement is not None


@pytest.mark.parametrize(
    ("changes", "effect", "why"),
    [
        ({"approved_by": "", "approved_at": ""}, E.WAITS, "尚未批准"),
        ({"approved_by": " Wang "}, E.WAITS, "同一人"),
        ({"answered_by": " "}, E.WAITS, "没有填报人"),
        ({"record": "  "}, E.WAITS, "没有结果记录或理由"),
        ({"verdict": V.NOT_APPLICABLE, "record": ""}, E.WAITS, "理由"),
        ({"review_by": "2026-11-21"}, E.LAPSED, "2026-11-21"),
    ],
)
def test_a_statement_that_does_not_count_leaves_the_item_waiting_and_says_why(
    requirements, changes, effect, why
):
    everyone = findings(requirements, [NODE], [], given(stated(**changes)))
    [one] = [f for f in everyone if f.item == STATED.item]
    assert (one.verdict, one.effect, one.statement) == (V.PENDING, effect, None)
    assert why in one.reason.zh


def test_a_statement_holds_on_its_last_day(requirements):
    everyone = findings(requirements, [NODE], [], given(stated(review_by=TODAY)))
    assert next(f for f in everyone if f.item == STATED.item).verdict is V.CONFORM


@pytest.mark.parametrize(
    ("machine", "person"), list(product((V.VIOLATED, V.PARTIAL, V.UNKNOWN), PERSONS))
)
@pytest.mark.parametrize("item", [WHOLE, PART])
def test_no_person_overrides_a_fault_or_what_the_machine_could_not_see(
    requirements, item, machine, person
):
    one = found(requirements, item, [machine], stated(item=item, subject=NODE.ref, verdict=person))
    assert one.verdict is machine
    assert one.effect == (E.AGREES if machine is person else E.CONTRADICTED)


def test_a_statement_completes_what_the_machine_saw_in_part(requirements):
    about = {"item": PART, "subject": NODE.ref}
    assert found(requirements, PART, [V.CONFORM]).verdict is V.PENDING
    whole = found(requirements, PART, [V.CONFORM], stated(**about))
    assert (whole.verdict, whole.effect) == (V.CONFORM, E.COMPLETES)
    assert whole.outcomes
    worse = found(requirements, PART, [V.CONFORM], stated(**about, verdict=V.VIOLATED))
    assert (worse.verdict, worse.effect) == (V.VIOLATED, E.DECIDES)
    gone = found(requirements, PART, [V.CONFORM], stated(**about, verdict=V.NOT_APPLICABLE))
    assert (gone.verdict, gone.effect) == (V.PENDING, E.CONTRADICTED)


def test_a_part_that_does_not_apply_leaves_the_rest_to_a_person(requirements):
    assert found(requirements, PART, [V.NOT_APPLICABLE]).verdict is V.PENDING
    assert found(requirements, WHOLE, [V.NOT_APPLICABLE]).verdict is V.NOT_APPLICABLE
    about = {"item": PART, "subject": NODE.ref, "verdict": V.NOT_APPLICABLE}
    assert (
        found(requirements, PART, [V.NOT_APPLICABLE], stated(**about)).verdict is V.NOT_APPLICABLE
    )


def test_a_person_may_find_worse_than_a_machine_that_saw_all(requirements):
    about = {"item": WHOLE, "subject": NODE.ref}
    worse = found(requirements, WHOLE, [V.CONFORM], stated(**about, verdict=V.PARTIAL))
    assert (worse.verdict, worse.effect) == (V.PARTIAL, E.WORSENS)
    gone = found(requirements, WHOLE, [V.CONFORM], stated(**about, verdict=V.NOT_APPLICABLE))
    assert (gone.verdict, gone.effect) == (V.CONFORM, E.CONTRADICTED)


@pytest.mark.parametrize("verdict", [V.VIOLATED, V.PARTIAL])
@pytest.mark.parametrize(("item", "effect"), [(WHOLE, E.WORSENS), (PART, E.DECIDES)])
def test_a_fault_that_somebody_found_does_not_heal_by_its_review_day(
    requirements, item, effect, verdict
):
    about = {"item": item, "subject": NODE.ref, "verdict": verdict}
    one = found(requirements, item, [V.CONFORM], stated(**about, review_by="2026-11-21"))
    assert (one.verdict, one.effect) == (verdict, effect)
    assert "2026-11-21 前复核，已逾期" in one.reason.zh
    good = stated(**about | {"verdict": V.CONFORM}, review_by="2026-11-21")
    assert found(requirements, item, [V.CONFORM], good).effect == E.LAPSED
    in_time = found(requirements, item, [V.CONFORM], stated(**about))
    assert "逾期" not in in_time.reason.zh


def test_a_trigger_that_somebody_affirmed_stays_open_past_its_review_day():
    late = {"item": "A-27", "review_by": "2026-11-21"}
    [fault] = weigh([stated(**late, verdict=V.VIOLATED)], {}, {"A-27"}, TODAY)
    assert fault["effect"] in COUNTS
    assert "已逾期" in fault["why"]["zh"]
    [good] = weigh([stated(**late)], {}, {"A-27"}, TODAY)
    assert good["effect"] == E.LAPSED


def test_no_statement_whatever_makes_a_machines_verdict_better():
    order = [V.VIOLATED, V.PARTIAL, V.CONFORM]
    for machine, person, asked, complete in product(V, PERSONS, (True, False), (True, False)):
        made = decide(machine, stated(verdict=person), TODAY, asked=asked, complete=complete)
        if machine in order:
            assert made.verdict in order
            assert order.index(made.verdict) <= order.index(machine)
        if machine is V.UNKNOWN:
            assert made.verdict is V.UNKNOWN


def test_foreign_objects_are_asked_their_kinds_items_or_the_listed_ones(requirements):
    people = given(stated(subject="person:room-1"), foreign=(ROOM, FIREWALL))
    found_ = findings(requirements, [NODE], [], people)
    of_room = {f.item: f.verdict for f in found_ if f.subject == ROOM.subject}
    assert of_room == {"8.1.1.1.a": V.CONFORM, "8.1.1.2.a": V.PENDING}
    of_wall = {f.item for f in found_ if f.subject == FIREWALL.subject}
    assert of_wall == {i.id for i in requirements.items if Kind.BOUNDARY in i.kinds}


def test_an_object_that_people_name_again_is_there_once():
    again = replace(FIREWALL, kind=Kind.HOST, name="node1")
    subjects = everything([NODE], Given(TODAY, foreign=(again, FIREWALL)))
    assert subjects.count(NODE) == 1
    assert FIREWALL.subject in subjects


def test_a_statement_for_nothing_is_said_to_be_for_nothing():
    [one] = weigh(
        [stated(item="9.9.9")], {("8.1.1.1.a", "person:site"): "decides"}, {"A-27"}, TODAY
    )
    assert one["effect"] == E.NOTHING
    [on_risk] = weigh([stated(item="A-27")], {}, {"A-27"}, TODAY)
    assert on_risk["effect"] in COUNTS
    assert read(on_risk) == stated(item="A-27")
