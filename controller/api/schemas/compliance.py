"""People's part of the inspection, in and out of the API: questions, statements, waivers, objects, choices."""

from typing import Any, Literal

from pydantic import Field

from controller.actions.papers import FILE_LIMIT, MOST_FILES
from controller.api.schemas.base import In, Out, Query, TextOut

VerdictIn = Literal["conform", "partial", "violated", "not_applicable"]
KindName = Literal["host", "hypervisor", "boundary", "controller", "db", "app", "person"]
ITEM = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,30}(/[0-9]{1,2})?$"
SUBJECT = r"^[a-z]{2,16}:[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class AttachmentOut(Out):
    """A file that proves a statement; size in bytes. It is downloaded by its SHA-256."""

    name: str
    size: int
    sha256: str


class StatementOut(Out):
    """A person's judgement. `state`: asked, approved, replaced, withdrawn. `digest` is what is approved."""

    id: str
    item: str
    subject: str
    verdict: str
    record: str
    review_by: str
    attachments: list[AttachmentOut]
    digest: str
    asked_by: str
    asked_at: str
    approved_by: str
    approved_at: str
    state: str
    comment: str


class WaiverOut(Out):
    """A waiver; states as of a statement. It changes no verdict."""

    id: str
    item: str
    subject: str
    reason: str
    measure: str
    expires: str
    digest: str
    asked_by: str
    asked_at: str
    approved_by: str
    approved_at: str
    state: str
    comment: str


class QuestionOut(Out):
    """One question: `text` is what is required, `how` what an assessor does; `seen` the last run's verdict."""

    layer: str
    item: str
    subject: str
    text: TextOut
    how: TextOut
    machine: str
    high_risk: str
    major_risk: str
    seen: str
    state: str = Field(description="open, waits, holds, soon, lapsed")
    approved: StatementOut | None
    waiting: StatementOut | None


class QuestionsQuery(Query):
    """Which questions: of a layer, an item, an object, in a state; all where nothing is said."""

    layer: str = Field(default="", max_length=16)
    item: str = Field(default="", max_length=40)
    subject: str = Field(default="", max_length=128)
    state: Literal["", "open", "waits", "holds", "soon", "lapsed"] = ""


class PapersQuery(Query):
    """`all`: also those that were replaced or withdrawn. `item` and `subject` narrow it."""

    all: bool = False
    item: str = Field(default="", max_length=40)
    subject: str = Field(default="", max_length=128)

    def wants(self, item: str, subject: str) -> bool:
        """Whether a paper on that item and object is asked for."""
        return self.item in ("", item) and self.subject in ("", subject)


class AttachmentIn(In):
    """A file handed in before, under the name it is kept with; size in bytes, digest SHA-256."""

    name: str = Field(min_length=1, max_length=120)
    upload: str
    digest: str
    size: int = Field(ge=1, le=FILE_LIMIT)


class AttachmentMadeOut(Out):
    """A file handed in: name it in the answer that it proves. Size in bytes."""

    upload: str
    digest: str
    size: int


class AnswerIn(In):
    """An answer: verdict, record of what was found, and the last day it holds."""

    item: str = Field(pattern=ITEM)
    subject: str = Field(pattern=SUBJECT)
    verdict: VerdictIn
    record: str = Field(min_length=1, max_length=20_000)
    review_by: str = Field(pattern=DAY)
    attachments: list[AttachmentIn] = Field(default_factory=list, max_length=MOST_FILES)


class WaiverIn(In):
    """A waiver to ask for, until the day `expires`."""

    item: str = Field(pattern=ITEM)
    subject: str = Field(pattern=SUBJECT)
    reason: str = Field(min_length=1, max_length=20_000)
    measure: str = Field(min_length=1, max_length=20_000)
    expires: str = Field(pattern=DAY)


class ApprovalIn(In):
    """Approve exactly what has this digest."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


class WithdrawalIn(In):
    """Why it no longer counts."""

    comment: str = Field(min_length=1, max_length=500)


class AssessedIn(In):
    """An object beside the box. `applies_to`: the items it is asked; none: those of its kind."""

    kind: KindName
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    what: str = Field(min_length=1, max_length=200)
    maker: str = Field(default="", max_length=200)
    place: str = Field(default="", max_length=200)
    applies_to: list[str] = Field(default_factory=list, max_length=257)


class AssessedOut(Out):
    """An object beside the box; findings name it `ref`."""

    ref: str
    kind: str
    name: str
    what: str
    maker: str
    place: str
    applies_to: list[str]


class ChoiceOut(Out):
    """An option: what is taken, what there is to choose (first: the default), why it is open."""

    key: str
    title: TextOut
    taken: str
    choices: dict[str, TextOut]
    why: TextOut
    source: str
    set_by: str
    set_at: str


class ChoiceIn(In):
    """A choice; an empty value takes it back."""

    key: str = Field(min_length=2, max_length=119)
    value: str = Field(max_length=120)


class ScheduleBody(In):
    """A run every `days` days (0: none) at `hour` o'clock, Beijing time."""

    days: int = Field(ge=0, le=90)
    hour: int = Field(default=3, ge=0, le=23)


class ScheduleOut(Out):
    """The schedule; `by` is on whose behalf the runs are asked for."""

    days: int
    hour: int
    by: str


class DifferenceOut(Out):
    """One thing that moved. `drift`: the box changed and no job explains it."""

    kind: str
    subject: str
    name: str
    before: str
    after: str
    cause: str
    explained_by: str
    drift: bool


class DifferencesOut(Out):
    """What moved between two runs, by the times they began."""

    before: str
    after: str
    told: TextOut
    differences: list[DifferenceOut]

    @classmethod
    def of(cls, raw: dict[str, Any]) -> "DifferencesOut":
        """Return the API's form of `Differences.as_dict`."""
        return cls.model_validate({**raw, "differences": [dict(d) for d in raw["differences"]]})
