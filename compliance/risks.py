"""Judges the high-risk cases and major-risk triggers from a report's findings, checks and statements.

Where nobody looked, a risk is unseen and never closed. A risk that is open on an object is downgraded
only when a mitigation of its case is proved there: by checks that conform, or by an approved statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from appliance.errors import Text
from compliance.catalogue.risks import Case, Mitigation, table
from compliance.findings import combined
from compliance.grades import Dangers
from compliance.model import Verdict
from compliance.rulesets import DANGER, chosen
from compliance.statements import COUNTS

Part = Mapping[str, Any]


class State(StrEnum):
    """What is known of a risk, worst first."""

    OPEN = "open"
    UNSEEN = "unseen"
    DOWNGRADED = "downgraded"
    CLOSED = "closed"


STATE_TEXT = {
    State.OPEN: Text("存在", "open"),
    State.UNSEEN: Text("未核实", "unseen"),
    State.DOWNGRADED: Text("已有缓解", "downgraded"),
    State.CLOSED: Text("不存在", "closed"),
}
_WORST_FIRST = tuple(STATE_TEXT)
_BY_VERDICT = {
    Verdict.VIOLATED: State.OPEN,
    Verdict.PARTIAL: State.OPEN,
    Verdict.UNKNOWN: State.UNSEEN,
    Verdict.PENDING: State.UNSEEN,
    Verdict.CONFORM: State.CLOSED,
    Verdict.NOT_APPLICABLE: State.CLOSED,
}
_TOLD = {
    State.OPEN: Text("条件成立于：{}", "the condition holds on: {}"),
    State.UNSEEN: Text("尚无人核实：{}", "nobody has verified: {}"),
    State.DOWNGRADED: Text("条件成立但有缓解措施：{}", "the condition holds, but is mitigated: {}"),
    State.CLOSED: Text("未发现该情形：{}", "the condition does not hold on: {}"),
}
_NOT_LIMITED = {
    "availability": Text("医院声明业务不要求高可用", "the hospital states that high availability is not needed"),
    "industry": Text("医院声明不属于重点行业", "the hospital states that it is of no key industry"),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """The risk on one object: its state, the finding it rests on, and the mitigation that lowers it."""

    subject: str
    item: str
    state: State
    checks: tuple[str, ...]
    mitigation: str


@dataclass(frozen=True)
class Lowering:
    """A mitigation: who can prove it (box, people or both), and who did ("" nobody) on every open object."""

    mitigation: Mitigation
    provable: str
    proved: str


@dataclass(frozen=True)
class Risk:
    """One case or trigger with its state; `places` worst first."""

    case: Case
    state: State
    why: Text
    places: tuple[Place, ...]
    lowerings: tuple[Lowering, ...]


class _Seen:
    """A report's parts by what they are asked for."""

    def __init__(self, report: Part) -> None:
        self.options = chosen(DANGER, report["options"])
        self.findings: dict[str, list[Part]] = {}
        for one in report["findings"]:
            self.findings.setdefault(one["item"], []).append(one)
        self.checks: dict[str, list[tuple[str, Verdict]]] = {}
        for one in report["checks"]:
            ran = self.checks.setdefault(one["id"], [])
            ran.append((one["subject"], Verdict(one["verdict"])))
        # A statement on a mitigation or on a trigger without a clause is for no item: it counts here.
        self.said = {
            (one["item"], one["subject"]): Verdict(one["verdict"])
            for one in report["answers"]
            if one["effect"] in COUNTS
        }

    def stated(self, name: str, subject: str) -> Verdict | None:
        """Return what people state of `name` on that object, else of the site as a whole."""
        return self.said.get((name, subject)) or self.said.get((name, "person:site"))


def names() -> set[str]:
    """Return what people may state beside items: mitigations, and triggers that no item carries."""
    cases = table().cases
    lowered = {mitigation.id for case in cases for mitigation in case.mitigations}
    return lowered | {case.id for case in cases if not case.items}


def judge(report: Part) -> list[Risk]:
    """Return every case and trigger: major first, among these the worst, then in the table's order."""
    seen = _Seen(report)
    risks = [_judged(case, seen) for case in table().cases]
    return sorted(risks, key=lambda one: (not one.case.major, _WORST_FIRST.index(one.state)))


def dangers(risks: Iterable[Risk]) -> Dangers:
    """Count what is open and what is unseen, for the rule sets."""
    held = [(one.case.major, one.state) for one in risks]
    return Dangers(
        held.count((True, State.OPEN)),
        held.count((True, State.UNSEEN)),
        held.count((False, State.OPEN)),
        held.count((False, State.UNSEEN)),
    )


def counted(risks: Sequence[Part], former: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Count risks of a report by level as the template prints them: before correction (corrected).

    `former` are the ids open in the run before correction; None where there is none.
    """
    counts = {}
    for level in ("major", "high"):
        of = [one for one in risks if one["level"] == level]
        now = {one["id"] for one in of if one["state"] == State.OPEN}
        known = {one["id"] for one in of}
        gone = {one for one in former or () if one in known} - now
        before, corrected = len(now | gone), len(gone)
        counts[level] = {
            "open": len(now),
            "unseen": sum(one["state"] == State.UNSEEN for one in of),
            "before": before,
            "corrected": corrected,
            "printed": f"{before}（{corrected}个已整改）" if former is not None else str(before),
        }
    return counts


def _judged(case: Case, seen: _Seen) -> Risk:
    if case.limit and seen.options[case.limit] == "no":
        return Risk(case, State.CLOSED, _NOT_LIMITED[case.limit], (), ())
    places = _places(case, seen) if case.items else _everywhere(case, seen)
    ordered = tuple(sorted(places, key=lambda one: _WORST_FIRST.index(one.state)))
    state = ordered[0].state if ordered else State.UNSEEN
    hurt = [one.subject for one in places if one.state in (State.OPEN, State.DOWNGRADED)]
    lowerings = tuple(_lowering(one, hurt, seen) for one in case.mitigations)
    return Risk(case, state, _why(state, ordered), ordered, lowerings)


def _places(case: Case, seen: _Seen) -> list[Place]:
    """Judge the case on every object of the items that carry it."""
    return [_place(case, one, seen) for item in case.items for one in seen.findings.get(item, ())]


def _place(case: Case, finding: Part, seen: _Seen) -> Place:
    subject = finding["subject"]
    own = _own(case.checks, subject, seen)
    verdict = Verdict(finding["verdict"])
    people = finding["statement"] in COUNTS and verdict in (Verdict.VIOLATED, Verdict.PARTIAL)
    if own and not people:
        verdict = combined(list(own.values()))
    state, mitigation = _BY_VERDICT[verdict], ""
    if state is State.OPEN:
        mitigation = next((m.id for m in case.mitigations if _proof(m, subject, seen)), "")
        state = State.DOWNGRADED if mitigation else state
    return Place(subject, finding["item"], state, tuple(own or finding["checks"]), mitigation)


def _everywhere(case: Case, seen: _Seen) -> list[Place]:
    """Judge a trigger that no clause carries: a failed check opens it, only people close it."""
    failed = [
        Place(subject, "", State.OPEN, (check,), "")
        for check in case.checks
        for subject, verdict in seen.checks.get(check, ())
        if _BY_VERDICT[verdict] is State.OPEN
    ]
    said = seen.stated(case.id, "person:site")
    state = _BY_VERDICT[said] if said else State.UNSEEN
    if failed and state is not State.OPEN:
        return failed  # people do not override a machine
    return [*failed, Place("person:site", "", state, (), "")]


def _own(checks: Sequence[str], subject: str, seen: _Seen) -> dict[str, Verdict]:
    """Return the verdicts of those of `checks` that ran on that very object."""
    return {
        check: verdict
        for check in checks
        for where, verdict in seen.checks.get(check, ())
        if where == subject
    }


def _proof(mitigation: Mitigation, subject: str, seen: _Seen) -> str:
    """Return who proves the mitigation on that object: box, people, both, or "" for nobody."""
    if mitigation.checks and not _holds(mitigation.checks, subject, seen):
        return ""
    if mitigation.people and seen.stated(mitigation.id, subject) is not Verdict.CONFORM:
        return ""
    return _provable(mitigation)


def _holds(checks: Sequence[str], subject: str, seen: _Seen) -> bool:
    """Whether those checks that ran on the object conform; where none did, all of them everywhere."""
    own = _own(checks, subject, seen)
    if own:
        return set(own.values()) == {Verdict.CONFORM}
    ran = [[verdict for _, verdict in seen.checks.get(one, ())] for one in checks]
    return all(set(verdicts) == {Verdict.CONFORM} for verdicts in ran)


def _provable(mitigation: Mitigation) -> str:
    if mitigation.checks:
        return "both" if mitigation.people else "box"
    return "people"


def _lowering(mitigation: Mitigation, hurt: Sequence[str], seen: _Seen) -> Lowering:
    proofs = [_proof(mitigation, subject, seen) for subject in hurt]
    proved = proofs[0] if proofs and all(proofs) else ""
    return Lowering(mitigation, _provable(mitigation), proved)


def _why(state: State, places: Sequence[Place]) -> Text:
    where = list(dict.fromkeys(one.subject for one in places if one.state is state))
    if not places:
        return Text("没有检查相关对象", "no object of it was examined")
    told = _TOLD[state]
    return Text(told.zh.format("、".join(where)), told.en.format(", ".join(where)))


def as_dict(risk: Risk) -> dict[str, Any]:
    """Return the form that a report carries."""
    return {
        "id": risk.case.id,
        "level": "major" if risk.case.major else "high",
        "case": risk.case.case,
        "text": risk.case.text.as_dict(),
        "state": str(risk.state),
        "why": risk.why.as_dict(),
        "items": list(risk.case.items),
        "objects": [
            {
                "subject": one.subject,
                "item": one.item,
                "state": str(one.state),
                "checks": list(one.checks),
                "mitigation": one.mitigation,
            }
            for one in risk.places
        ],
        "mitigations": [
            {
                "id": one.mitigation.id,
                "text": one.mitigation.text.as_dict(),
                "checks": list(one.mitigation.checks),
                "provable": one.provable,
                "proved": one.proved,
            }
            for one in risk.lowerings
        ],
    }
