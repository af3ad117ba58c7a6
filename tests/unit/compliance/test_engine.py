"""The engine: nothing unknown conforms, one broken check stops no other, the worst object decides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Text
from appliance.host import LocalHost
from compliance import engine, findings, rollup
from compliance.asking import Asker
from compliance.checks.asked import CONTAINER
from compliance.evidence import Answer, Evidence, Status
from compliance.model import (
    WORST_FIRST,
    Check,
    Finding,
    Judgement,
    Kind,
    NoEvidence,
    Outcome,
    Subject,
    Verdict,
    weigh,
    worst,
)
from compliance.questions import Command, File, command

NODE = Subject(Kind.HOST, "node1")
GOOD = Text("好", "good")


def evidence(text="", status=Status.ANSWERED):
    return Evidence.of(
        "cat /x", Answer(text, status), at="2026-11-21T00:00:00+00:00", where="node1"
    )


def check(judge, *questions, **changes):
    made = Check(
        "some", Kind.HOST, GOOD, ("8.1.4.1.a",), questions or (File("/etc/hostname"),), judge
    )
    return replace(made, **changes)


def conform(_):
    return weigh([], 1, GOOD)


def asks():
    return Asker(
        LocalHost(),
        "node1",
        {
            CONTAINER.asked: Evidence.of(
                CONTAINER.asked, Answer("none\n", Status.ANSWERED), at="", where=""
            )
        },
    )


def test_a_check_that_breaks_is_unknown_and_the_others_go_on():
    def broken(_):
        raise ValueError("no such form")

    told = []
    outcomes = engine.inspect(
        lambda _: asks(), [check(broken), check(conform, id="other")], [NODE], told.append
    )
    assert [o.verdict for o in outcomes] == [Verdict.UNKNOWN, Verdict.CONFORM]
    assert len(told) == 2


@pytest.mark.parametrize(
    "question",
    [
        command("sleep", "9"),
        command("false"),
        File("/proc/self/mem"),
        command("hbox-no-such-program"),
    ],
    ids=["timeout", "exit", "unreadable", "missing"],
)
def test_no_answer_is_unknown_and_never_conforms(question, monkeypatch):
    monkeypatch.setattr("compliance.asking.PATIENCE", 0.2)
    outcome = engine.examine(asks(), check(conform, question), NODE)
    assert outcome.verdict is Verdict.UNKNOWN
    assert not outcome.evidence[0].there


def test_an_absent_file_or_a_telling_program_is_an_answer():
    for question in (File("/no/such/file"), command("hbox-no-such-program", telling=True)):
        outcome = engine.examine(asks(), check(conform, question), NODE)
        assert outcome.verdict is Verdict.CONFORM
        assert outcome.evidence[0].status is Status.ABSENT
        assert outcome.evidence[0].out == ""


@pytest.mark.parametrize("said", ["systemd-nspawn", "docker"])
def test_kernel_facts_are_unknown_in_a_container(said):
    container = evidence(said)
    outcome = engine.examine(lambda _: container, check(conform, kernel_bound=True), NODE)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.evidence == (container,)
    free = engine.examine(asks(), check(conform, kernel_bound=True), NODE)
    assert free.verdict is Verdict.CONFORM


def test_the_same_question_is_put_once(tmp_path):
    counter = tmp_path / "count"
    asker = asks()
    question = Command(("sh", "-c", f"echo x >> {counter}"))
    assert asker(question) is asker(question)
    assert counter.read_text() == "x\n"


def test_a_verdict_without_evidence_cannot_be_stated():
    for verdict in Verdict:
        if verdict in (Verdict.PENDING, Verdict.UNKNOWN):
            Finding("8.1.4.1.a", NODE, verdict, GOOD, ())
        else:
            with pytest.raises(NoEvidence):
                Finding("8.1.4.1.a", NODE, verdict, GOOD, ())


def test_not_applicable_needs_a_reason():
    outcome = Outcome(
        check(conform), NODE, Judgement(Verdict.NOT_APPLICABLE, GOOD), (evidence(),), 0.0
    )
    Finding("8.1.4.1.a", NODE, Verdict.NOT_APPLICABLE, GOOD, (outcome,))
    with pytest.raises(NoEvidence):
        Finding("8.1.4.1.a", NODE, Verdict.NOT_APPLICABLE, Text(" ", ""), (outcome,))


def test_a_digest_covers_every_field():
    whole = evidence("answer")
    for change in (
        {"asked": "x"},
        {"answer": "x"},
        {"exit": 7},
        {"at": "x"},
        {"where": "x"},
        {"status": Status.ABSENT},
    ):
        assert replace(whole, **change).digest() != whole.sha256


def test_an_over_long_answer_is_visibly_cut():
    assert evidence("x" * 1_100_000).answer.endswith("the answer was longer]")
    assert not evidence("x" * 1_100_000).there


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_undecided_or_bad_never_becomes_conform(verdicts):
    combined = findings.combined(verdicts)
    if combined is Verdict.CONFORM:
        assert set(verdicts) <= {Verdict.CONFORM, Verdict.NOT_APPLICABLE}
    if worst(verdicts) is Verdict.CONFORM:
        assert set(verdicts) <= {Verdict.CONFORM, Verdict.NOT_APPLICABLE}
    assert WORST_FIRST.index(worst(verdicts)) == min(WORST_FIRST.index(v) for v in verdicts)


def test_an_item_is_as_good_as_its_worst_object(requirements):
    outcome = Outcome(check(conform), NODE, Judgement(Verdict.CONFORM, GOOD), (evidence(),), 0.0)
    good = Finding("8.1.4.1.a", NODE, Verdict.CONFORM, GOOD, (outcome,))
    bad = Finding("8.1.4.1.a", Subject(Kind.CONTROLLER, "box"), Verdict.VIOLATED, GOOD, (outcome,))
    verdicts = rollup.items(requirements, [good, bad])
    assert verdicts["8.1.4.1.a"] is Verdict.VIOLATED
    layer = next(r for r in rollup.layers(requirements, verdicts) if r.layer.id == "8.1.4")
    assert layer.verdict is Verdict.VIOLATED
    assert layer.points["8.1.4.1"] is Verdict.VIOLATED
    assert layer.points["8.1.4.2"] is Verdict.PENDING


def test_a_passed_check_of_a_clause_it_answers_in_part_waits_for_a_person(requirements):
    part = check(conform, items=("8.1.4.2.a",))
    outcome = Outcome(part, NODE, Judgement(Verdict.CONFORM, GOOD), (evidence(),), 0.0)
    found = {
        f.item: f for f in findings.findings(requirements, [NODE], [outcome]) if f.subject == NODE
    }
    assert found["8.1.4.2.a"].verdict is Verdict.PENDING
    assert found["8.1.4.2.a"].outcomes == (outcome,)


def test_every_item_has_a_finding_and_those_without_a_check_wait(requirements):
    found = findings.findings(requirements, [], [])
    assert {f.item for f in found} | {
        i.id for i in requirements.items if not set(i.kinds) & {Kind.DB, Kind.APP, Kind.PERSON}
    } == {i.id for i in requirements.items}
    assert {f.verdict for f in found} == {Verdict.PENDING}
