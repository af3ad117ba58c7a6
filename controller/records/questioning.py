"""The questionnaire as it stands: every question with the statement that holds and the one that waits."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance import clock
from compliance import questionnaire
from compliance.questionnaire import LayerName, Question
from controller.records import answers, compared
from controller.records.assessment import ComplianceStatement

NEAR = 30  # days before its review day a statement is shown as due soon
OPEN, WAITS, HOLDS, SOON, LAPSED = "open", "waits", "holds", "soon", "lapsed"
STATES = (OPEN, WAITS, HOLDS, SOON, LAPSED)


@dataclass(frozen=True)
class Asked:
    """A question, the approved statement on it, and the one that waits for its approval."""

    question: Question
    approved: ComplianceStatement | None
    waiting: ComplianceStatement | None
    today: dt.date

    @property
    def state(self) -> str:
        """Whether it is open, waits for approval, holds, holds but is due for review soon, or has lapsed."""
        if self.approved is None:
            return WAITS if self.waiting else OPEN
        left = (dt.date.fromisoformat(self.approved.review_by) - self.today).days
        return LAPSED if left < 0 else SOON if left <= NEAR else HOLDS

    def stands(self, state: str) -> bool:
        """Whether it is to be listed under `state`: what waits does so beside the one that holds meanwhile."""
        return self.waiting is not None if state == WAITS else self.state == state

    @property
    def shown(self) -> ComplianceStatement | None:
        """The statement to show: the one that waits before the one that holds."""
        return self.waiting or self.approved


@dataclass(frozen=True)
class Progress:
    """How far the people of a layer came: its questions, and how many stand in each state."""

    layer: LayerName
    total: int
    counts: dict[str, int]

    @property
    def done(self) -> int:
        """How many have an approved statement whose review day is not past."""
        return self.counts[HOLDS] + self.counts[SOON]


def asked(session: Session) -> list[Asked]:
    """Return every question that the newest run (or, without its report, the catalogues) leaves to people."""
    beside, last = answers.unentered(session), compared.newest(session)
    found = questionnaire.questions(answers.subjects(session), beside, last)
    held = answers.statements(session)
    approved = _by_place(one for one in held if one.state == "approved")
    waiting = _by_place(one for one in held if one.state == "asked")
    today = clock.now().date()
    every = [Asked(one, approved.get(one.key), waiting.get(one.key), today) for one in found]
    return [*every, *_beside(held, every, today)]


def counted(found: Sequence[Asked]) -> dict[str, int]:
    """Return how many questions stand in each state; one that is answered anew stands in two."""
    return {state: sum(one.stands(state) for one in found) for state in STATES}


def progress(found: Sequence[Asked]) -> list[Progress]:
    """Return the layers that have questions, in order, each with its counts."""
    made = []
    for layer in questionnaire.layers():
        own = [one for one in found if one.question.layer == layer.id]
        if own:
            made.append(Progress(layer, len(own), counted(own)))
    return made


def _beside(
    held: Iterable[ComplianceStatement], found: Iterable[Asked], today: dt.date
) -> list[Asked]:
    """Return statements on what is no question now: on mitigations of one object, or made before."""
    known = {one.question.key for one in found}
    rest: dict[tuple[str, str], dict[str, ComplianceStatement]] = {}
    for one in held:
        if (one.item, one.subject) not in known:
            rest.setdefault((one.item, one.subject), {}).setdefault(one.state, one)
    return [
        Asked(question, by.get("approved"), by.get("asked"), today)
        for (item, subject), by in rest.items()
        if (question := questionnaire.one(item, subject)) is not None
    ]


def _by_place(rows: Iterable[ComplianceStatement]) -> dict[tuple[str, str], ComplianceStatement]:
    return {(one.item, one.subject): one for one in rows}
