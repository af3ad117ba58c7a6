"""What may be asked about statements and waivers: one person writes, the audit administrator approves."""

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, NotFound, Text
from compliance import questionnaire
from compliance.given import Attachment
from compliance.given_file import LONGEST, STATED
from compliance.model import Verdict
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records import answers
from controller.records.answers import Paper
from controller.records.assessment import ComplianceStatement

ITEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,30}(/[0-9]{1,2})?")
SUBJECT = re.compile(r"[a-z]{2,16}:[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,120}")
MOST_FILES = 8
FILE_LIMIT = 20 << 20  # bytes of one attachment
LONGEST_YEAR = 366  # days: level 3 is assessed every year, so nothing holds longer unseen
_WRITERS = frozenset({Role.SYSTEM, Role.SECURITY})
_NAMED = {
    "record": "结果记录 record",
    "reason": "理由 reason",
    "measure": "补偿措施 measure",
    "comment": "退回或撤回原因 comment",
    "review_by": "复核日期 review_by",
    "expires": "有效期 expires",
}
_NAMES = {"name", "upload", "digest", "size"}


class PaperDecided(Conflict):
    """It was approved, replaced or withdrawn before."""

    code = "compliance.decided"
    text = Text("该记录的状态已是 {state}", "It is {state} already")
    hint = Text("请刷新页面，查看当前有效的记录。", "Reload, and look at the one that holds now.")


class OtherPaper(Conflict):
    """What is approved is not what was read."""

    code = "compliance.other_paper"
    text = Text("该记录的内容与所审阅的不一致", "It is not what was read")
    hint = Text("请重新审阅后再批准。", "Read it again, then approve.")


class OwnPaper(Conflict):
    """Who wrote it cannot approve it."""

    code = "compliance.same_person"
    text = Text("{person} 是填报人，不能批准自己的记录", "{person} wrote it and cannot approve it")
    hint = Text("请由另一位审计管理员批准。", "Have another audit administrator approve it.")


class FaultStands(Conflict):
    """An approved statement that names a fault: taking it back would make the result better."""

    code = "compliance.fault_stands"
    text = Text(
        "已批准的“{verdict}”不能由填报方退回",
        "An approved finding of a fault ({verdict}) is not taken back by those who answer",
    )
    hint = Text(
        "请由审计管理员退回，或重新填报，经批准后替换。",
        "Have the audit administrator take it back, or answer anew: the new answer replaces it once approved.",
    )


class NoSuchQuestion(NotFound):
    """No catalogue asks that item of that object."""

    code = "compliance.no_such_question"
    text = Text(
        "没有这样的问题：{item} · {subject}", "There is no such question: {item} of {subject}"
    )
    hint = Text(
        "请在问卷页或用 hbox compliance question list 查看条款与对象。",
        "The questionnaire, or `hbox compliance question list`, has the items and objects.",
    )


@dataclass(frozen=True)
class _Writing(Action):
    """Base: something written on one item and object, under an id given by the controller."""

    paper_id: str
    item: str
    subject: str

    roles: ClassVar[frozenset[Role]] = _WRITERS
    by_token: ClassVar[bool] = False

    def locks(self) -> tuple[str, ...]:
        """All papers: they replace each other."""
        return ("compliance/papers",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("paper_id", self.paper_id, fields.ID)
        fields.matches("item", self.item, ITEM)
        fields.matches("subject", self.subject, SUBJECT)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        where = answers.subject(self.subject)
        beside = answers.unentered(session)
        there = [*answers.subjects(session), *(one.subject for one in beside)]
        if where not in there or not questionnaire.known(self.item, where, beside):
            raise NoSuchQuestion(item=self.item, subject=self.subject)


@dataclass(frozen=True)
class AnswerQuestion(_Writing):
    """State one item on one object; `attachments` is JSON: [{name, upload, digest, size}] as handed in."""

    verdict: str
    record: str
    review_by: str
    attachments: str

    kind: ClassVar[str] = "compliance.answer"
    sentence: ClassVar[Text] = Text("填报 {item}（{subject}）", "Answer {item} on {subject}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"statement/{self.paper_id}"

    @property
    def files(self) -> tuple[tuple[Attachment, str], ...]:
        """The attachments, each with the name of its upload; raises `BadInput`."""
        return parsed(self.attachments)

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.one_of("verdict", self.verdict, tuple(map(str, STATED)))
        prose("record", self.record)
        day("review_by", self.review_by)
        parsed(self.attachments)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        files = [one.sha256 for one, _ in self.files]
        told = {"item": self.item, "subject": self.subject, "verdict": self.verdict}
        return {**told, "review_by": self.review_by, "attachments": files}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        within_a_year("review_by", self.review_by)


@dataclass(frozen=True)
class AskWaiver(_Writing):
    """Ask that a finding be accepted until the day `expires`, for a reason and with a compensating measure."""

    reason: str
    measure: str
    expires: str

    kind: ClassVar[str] = "compliance.waiver.ask"
    sentence: ClassVar[Text] = Text(
        "申请豁免 {item}（{subject}）至 {expires}",
        "Ask to waive {item} on {subject} until {expires}",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"waiver/{self.paper_id}"

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        prose("reason", self.reason)
        prose("measure", self.measure)
        day("expires", self.expires)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"item": self.item, "subject": self.subject, "expires": self.expires}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        within_a_year("expires", self.expires)


@dataclass(frozen=True)
class _OnePaper(Action):
    """Base of what is decided about a paper that is there."""

    paper_id: str

    by_token: ClassVar[bool] = False
    noun: ClassVar[str]

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"{self.noun}/{self.paper_id}"

    def locks(self) -> tuple[str, ...]:
        """All papers: they replace each other."""
        return ("compliance/papers",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("paper_id", self.paper_id, fields.ID)

    def row(self, session: Session) -> Paper:
        """Return the paper; raises `NotFound`."""
        find = answers.waiver if self.noun == "waiver" else answers.statement
        return find(session, self.paper_id)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        row = self.row(session)
        return self.sentence.filled({"paper_id": f"{row.item} · {row.subject}"})


@dataclass(frozen=True)
class _Approving(_OnePaper):
    """Base: approve exactly the paper with this digest; never by the one who wrote it."""

    digest: str

    roles: ClassVar[frozenset[Role]] = frozenset({Role.AUDIT})

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("digest", self.digest, fields.DIGEST)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"digest": self.digest}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = self.row(session)
        if row.state != "asked":
            raise PaperDecided(state=row.state)
        if row.digest != self.digest or answers.content_digest(row) != self.digest:
            raise OtherPaper


@dataclass(frozen=True)
class _Withdrawing(_OnePaper):
    """Base: it no longer counts, for a reason. Who wrote or who approves may say so where it only makes stricter.

    An approved fault is for who approves alone (`approved_fault`; the worker holds it against who asks).
    """

    comment: str

    roles: ClassVar[frozenset[Role]] = _WRITERS | {Role.AUDIT}

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        prose("comment", self.comment, most=500)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"comment": self.comment}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = self.row(session)
        if row.state not in answers.HELD:
            raise PaperDecided(state=row.state)


def approved_fault(row: Paper) -> str:
    """Return the fault that an approved statement names; "" where the result would not be better without the paper."""
    held = row.verdict if isinstance(row, ComplianceStatement) and row.state == "approved" else ""
    return held if held in (Verdict.VIOLATED, Verdict.PARTIAL) else ""


@dataclass(frozen=True)
class ApproveAnswer(_Approving):
    """Let a statement count from the next run on."""

    noun: ClassVar[str] = "statement"
    kind: ClassVar[str] = "compliance.answer.approve"
    sentence: ClassVar[Text] = Text("批准人员记录 {paper_id}", "Approve the statement {paper_id}")


@dataclass(frozen=True)
class WithdrawAnswer(_Withdrawing):
    """Take a statement back, or send it back unapproved."""

    noun: ClassVar[str] = "statement"
    kind: ClassVar[str] = "compliance.answer.withdraw"
    sentence: ClassVar[Text] = Text("退回人员记录 {paper_id}", "Take back the statement {paper_id}")


@dataclass(frozen=True)
class ApproveWaiver(_Approving):
    """Accept the risk until the waiver's last day."""

    noun: ClassVar[str] = "waiver"
    kind: ClassVar[str] = "compliance.waiver.approve"
    sentence: ClassVar[Text] = Text("批准豁免 {paper_id}", "Approve the waiver {paper_id}")


@dataclass(frozen=True)
class WithdrawWaiver(_Withdrawing):
    """End a waiver before its day, or refuse it."""

    noun: ClassVar[str] = "waiver"
    kind: ClassVar[str] = "compliance.waiver.withdraw"
    sentence: ClassVar[Text] = Text("撤回豁免 {paper_id}", "Withdraw the waiver {paper_id}")


def parsed(text: str) -> tuple[tuple[Attachment, str], ...]:
    """Return the attachments that a JSON text names, each with its upload; raises `BadInput`."""
    try:
        held: Any = json.loads(text)
    except ValueError as error:
        raise BadInput(what="attachments", why=str(error)) from error
    if not isinstance(held, list) or len(held) > MOST_FILES:
        raise BadInput(what="attachments", why=f"至多 {MOST_FILES} 个 at most that many")
    return tuple(_file(one) for one in held)


def _file(raw: Any) -> tuple[Attachment, str]:
    if not isinstance(raw, dict) or set(raw) != _NAMES or type(raw["size"]) is not int:
        raise BadInput(what="attachments", why="name, upload, digest, size")
    for name, form in (
        ("name", FILE_NAME),
        ("upload", fields.PAPER_UPLOAD),
        ("digest", fields.DIGEST),
    ):
        fields.matches(f"attachments.{name}", str(raw[name]), form)
    if not str(
        raw["name"]
    ).isprintable():  # a mark that turns the writing round can hide what a file is
        raise BadInput(what="attachments.name", why="可见字符 characters that can be seen")
    fields.within("attachments.size", raw["size"], 1, FILE_LIMIT)
    return Attachment(raw["name"], raw["size"], raw["digest"]), raw["upload"]


def prose(what: str, text: str, most: int = LONGEST) -> None:
    """Raise `BadInput` unless `text` says something in at most `most` visible characters and line ends."""
    visible = text.replace("\n", "").replace("\t", "").isprintable()
    if not text.strip() or len(text) > most or not visible:
        raise BadInput(
            what=_NAMED.get(what, what), why=f"1..{most} 个可见字符 characters that can be seen"
        )


def day(what: str, text: str) -> None:
    """Raise `BadInput` unless `text` is a day as 2026-11-22."""
    try:
        if dt.date.fromisoformat(text).isoformat() == text:
            return
    except ValueError:
        pass
    raise BadInput(
        what=_NAMED.get(what, what), why=f"{text[:20]!r} 应为日期 must be a day, as 2026-11-22"
    )


def within_a_year(what: str, text: str) -> None:
    """Raise `BadInput` unless the day is today (UTC) or later, and not more than a year away."""
    today = clock.now().date()
    if not today <= dt.date.fromisoformat(text) <= today + dt.timedelta(days=LONGEST_YEAR):
        raise BadInput(
            what=_NAMED.get(what, what),
            why=f"应在今天起 {LONGEST_YEAR} 天内 within that many days from today",
        )
