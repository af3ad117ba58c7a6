"""From outcomes to findings: one per item and object, and what is left for a person."""

from collections.abc import Sequence

from appliance.errors import Text
from compliance.catalogue import Catalogue, Item
from compliance.checks import COMPLETE
from compliance.model import Finding, Kind, Outcome, Subject, Verdict

# Kinds that this inspector cannot ask yet; their items are there and wait for a person.
UNASKED = (Subject(Kind.DB, "box"), Subject(Kind.APP, "modules"), Subject(Kind.PERSON, "site"))

_NO_CHECK = Text("没有机器检查，由人员核查", "No machine check: a person examines it")
_PART = Text(
    "机器可查的部分符合，其余由人员核查",
    "What a machine can see conforms; a person examines the rest",
)


def findings(
    catalogue: Catalogue, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
) -> list[Finding]:
    """Return one finding per item and object that the catalogue names for it, in its order."""
    everything = (
        *subjects,
        *(one for one in UNASKED if one.kind not in {s.kind for s in subjects}),
    )
    return [
        _finding(
            item,
            subject,
            [o for o in outcomes if o.subject == subject and item.id in o.check.items],
        )
        for item in catalogue.items
        for subject in everything
        if subject.kind in item.kinds
    ]


def _finding(item: Item, subject: Subject, outcomes: list[Outcome]) -> Finding:
    if not outcomes:
        return Finding(item.id, subject, Verdict.PENDING, _NO_CHECK, ())
    verdict = combined([one.verdict for one in outcomes])
    complete = (item.id, subject.kind) in COMPLETE
    if verdict is Verdict.CONFORM and not complete:
        return Finding(item.id, subject, Verdict.PENDING, _PART, tuple(outcomes))
    telling = [one for one in outcomes if one.verdict is not Verdict.CONFORM] or outcomes
    reason = Text(
        "；".join(one.judgement.reason.zh for one in telling),
        "; ".join(one.judgement.reason.en for one in telling),
    )
    return Finding(item.id, subject, verdict, reason, tuple(outcomes))


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
