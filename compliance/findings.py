"""From outcomes to findings: one per item and object, and what is left for a person."""

from collections.abc import Sequence
from dataclasses import replace

from appliance.errors import Text
from compliance.catalogue import Catalogue, Item
from compliance.checks import COMPLETE
from compliance.given import NOTHING, Given, Statement
from compliance.model import Finding, Kind, Outcome, Subject, Verdict
from compliance.statements import COUNTS, Effect, decide

# Kinds that this inspector cannot ask yet; their items are there and wait for a person.
UNASKED = (Subject(Kind.DB, "box"), Subject(Kind.APP, "modules"), Subject(Kind.PERSON, "site"))

_NO_CHECK = Text("没有机器检查，由人员核查", "No machine check: a person examines it")
_PART = Text(
    "机器可查的部分符合，其余由人员核查",
    "What a machine can see conforms; a person examines the rest",
)
_NOT_HERE = Text(
    "机器检查的内容在此不适用，是否符合由人员核查",
    "What the machine asks does not apply here; a person examines the item",
)


def findings(
    catalogue: Catalogue,
    subjects: Sequence[Subject],
    outcomes: Sequence[Outcome],
    given: Given = NOTHING,
) -> list[Finding]:
    """Return one finding per item and object that the catalogue names for it, in its order."""
    ran = _by_place(outcomes)
    said = {(one.item, one.subject): one for one in given.statements}
    return [
        _stated(machine, said.get((item.id, subject.ref)), given.today)
        for item in catalogue.items
        for subject in everything(subjects, given)
        if _asks(item, subject, given)
        for machine in (_finding(item, subject, ran.get((item.id, subject), [])),)
    ]


def everything(subjects: Sequence[Subject], given: Given = NOTHING) -> list[Subject]:
    """Return all assessed objects: inspected ones, kinds nobody asks, and what people added; once each."""
    kinds = {one.kind for one in subjects}
    unasked = [one for one in UNASKED if one.kind not in kinds]
    return list(dict.fromkeys([*subjects, *unasked, *(one.subject for one in given.foreign)]))


def _asks(item: Item, subject: Subject, given: Given) -> bool:
    listed = next((one.applies_to for one in given.foreign if one.subject == subject), ())
    return item.id in listed if listed else subject.kind in item.kinds


def _by_place(outcomes: Sequence[Outcome]) -> dict[tuple[str, Subject], list[Outcome]]:
    places: dict[tuple[str, Subject], list[Outcome]] = {}
    for one in outcomes:
        for item in one.check.items:
            places.setdefault((item, one.subject), []).append(one)
    return places


def _finding(item: Item, subject: Subject, outcomes: list[Outcome]) -> Finding:
    """Return what the checks alone decide."""
    complete = (item.id, subject.kind) in COMPLETE
    verdict = machine([one.verdict for one in outcomes], complete=complete)
    reason = _reason(verdict, outcomes)
    return Finding(item.id, subject, verdict, reason, tuple(outcomes), verdict, complete)


def machine(verdicts: Sequence[Verdict], *, complete: bool) -> Verdict:
    """Return what the checks of one item on one object decide; a part that holds waits for a person."""
    verdict = combined(verdicts) if verdicts else Verdict.PENDING
    part = verdict in (Verdict.CONFORM, Verdict.NOT_APPLICABLE) and not complete
    return Verdict.PENDING if part else verdict


def _reason(verdict: Verdict, outcomes: Sequence[Outcome]) -> Text:
    if not outcomes:
        return _NO_CHECK
    if verdict is Verdict.PENDING:
        return _PART if any(one.verdict is Verdict.CONFORM for one in outcomes) else _NOT_HERE
    telling = [one for one in outcomes if one.verdict is not Verdict.CONFORM] or outcomes
    return Text(
        "；".join(one.judgement.reason.zh for one in telling),
        "; ".join(one.judgement.reason.en for one in telling),
    )


def _stated(finding: Finding, statement: Statement | None, today: str) -> Finding:
    """Let a person's statement do to the machine's finding what it may."""
    if statement is None:
        return finding
    verdicts = [one.verdict for one in finding.outcomes]
    made = decide(
        finding.verdict, statement, today, asked=applied(verdicts), complete=finding.complete
    )
    reason = finding.reason
    if made.effect in (Effect.DECIDES, Effect.WORSENS):
        reason = made.reason
    elif made.effect is not Effect.AGREES:
        reason = Text(f"{reason.zh}；{made.reason.zh}", f"{reason.en}; {made.reason.en}")
    return replace(
        finding,
        verdict=made.verdict,
        reason=reason,
        statement=statement if made.effect in COUNTS else None,
        effect=str(made.effect),
    )


def applied(verdicts: Sequence[Verdict]) -> bool:
    """Whether any check found something to judge there."""
    return any(one is not Verdict.NOT_APPLICABLE for one in verdicts)


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """Combine the checks of one item on one object.

    All fail: violated. Some fail and some hold: partly. None fails but one is unknown: unknown.
    """
    held = set(verdicts) - {Verdict.NOT_APPLICABLE}
    if not held:
        return Verdict.NOT_APPLICABLE
    bad = held & {Verdict.VIOLATED, Verdict.PARTIAL}
    if bad and Verdict.CONFORM in held:
        return Verdict.PARTIAL
    if bad:
        return Verdict.PARTIAL if Verdict.PARTIAL in bad else Verdict.VIOLATED
    return Verdict.CONFORM if held == {Verdict.CONFORM} else Verdict.UNKNOWN
