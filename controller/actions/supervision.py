"""What may be asked of supervision: look into a body, export what was found, report, acknowledge."""

import datetime as dt
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from appliance.canonical import canonical
from appliance.errors import BadInput, Conflict, Text
from controller.actions.base import Action, Role
from controller.actions.fields import ID, matches, one_of, within
from controller.records import alerts, gateway
from controller.records.gateway import Wanted

PARTS = ("message", "answer")
REASON = (8, 300)  # characters
_PUBLIC = re.compile(r"[0-9a-f]{64}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_BIGGEST = 2**53
_ADMINISTRATORS = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})


class NoBody(Conflict):
    """There is nothing to look into."""

    code = "gateway.no_body"
    text = Text("传输 {number} 没有保存正文", "The transfer {number} holds no body")
    hint = Text(
        "被拒绝的消息和文件的正文不进入日志。",
        "Bodies of refused messages and of files are not journaled.",
    )


@dataclass(frozen=True)
class LookBody(Action):
    """Read what one message said: for a reason, which is audited; sealed for the asker alone.

    `part` is message or answer; masked unless `clear`; `public_key` (X25519, hex) is the asker's, used once.
    """

    number: int
    part: str
    clear: bool
    reason: str
    public_key: str

    kind: ClassVar[str] = "gateway.look"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY, Role.AUDIT})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text(
        "查看传输 {number} 的正文", "Look into the body of transfer {number}"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        within("number", self.number, 1, _BIGGEST)
        one_of("part", self.part, PARTS)
        matches("public_key", self.public_key, _PUBLIC)
        if not REASON[0] <= len(self.reason.strip()) <= REASON[1] or not self.reason.isprintable():
            raise BadInput(
                what="reason",
                why=f"请写明理由，{REASON[0]} 到 {REASON[1]} 字 say why, in that many characters",
            )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"transfer/{self.number}"

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = gateway.one(session, self.number)
        if row.verdict != "allowed" or (self.part == "answer" and row.answer is None):
            raise NoBody(number=self.number)

    def audited(self) -> dict[str, Any]:
        """Who looked stands in the entry anyway; here is at what, how, and why."""
        return {"part": self.part, "clear": self.clear, "reason": self.reason}


@dataclass(frozen=True)
class ExportTransfers(Action):
    """Write the transfers that were found into signed files (CSV and JSON); no bodies.

    `wanted` is the JSON of a `Wanted` without `before` and `limit`.
    """

    wanted: str

    kind: ClassVar[str] = "gateway.export"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY, Role.AUDIT, Role.AUDITOR})
    sentence: ClassVar[Text] = Text("导出传输记录", "Export transfers")

    @classmethod
    def of(cls, wanted: Wanted) -> "ExportTransfers":
        """Return the action for what was searched."""
        held = {k: v for k, v in asdict(wanted).items() if v not in (None, False)}
        for paging in ("before", "limit"):
            held.pop(paging, None)
        return cls(canonical(held).decode())

    @property
    def search(self) -> Wanted:
        """What is wanted; raises `BadInput`."""
        return parsed(self.wanted)

    def sound(self) -> None:
        """See `Action.sound`."""
        parsed(self.wanted)

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return "gateway/transfers"

    def audited(self) -> dict[str, Any]:
        """What was taken out."""
        return {"wanted": json.loads(self.wanted)}


@dataclass(frozen=True)
class MakeReport(Action):
    """Make the exchange's signed report of one day (`YYYY-MM-DD`, Beijing time), again if it is there."""

    day: str

    kind: ClassVar[str] = "gateway.report"
    roles: ClassVar[frozenset[Role]] = _ADMINISTRATORS | {Role.AUDITOR}
    sentence: ClassVar[Text] = Text("生成 {day} 的交换日报", "Make the exchange's report of {day}")

    def sound(self) -> None:
        """See `Action.sound`."""
        matches("day", self.day, _DAY)
        try:
            dt.date.fromisoformat(self.day)
        except ValueError as error:
            raise BadInput(what="day", why=str(error)) from error

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"report/{self.day}"


@dataclass(frozen=True)
class AcknowledgeAlert(Action):
    """Say that somebody sees to an alert; it stays open until its cause is gone."""

    alert_id: str

    kind: ClassVar[str] = "gateway.alert.ack"
    roles: ClassVar[frozenset[Role]] = _ADMINISTRATORS
    sentence: ClassVar[Text] = Text("确认告警", "Acknowledge an alert")

    def sound(self) -> None:
        """See `Action.sound`."""
        matches("alert_id", self.alert_id, ID)

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"alert/{self.alert_id}"

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        alerts.get(session, self.alert_id)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        told = alerts.what(alerts.get(session, self.alert_id))
        return Text(f"确认告警：{told.zh}", f"Acknowledge: {told.en}")


@dataclass(frozen=True)
class RebuildIndex(Action):
    """Forget the index of the journal and read it again from its first record."""

    kind: ClassVar[str] = "gateway.index"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text("重建传输索引", "Rebuild the index of transfers")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return "gateway/index"


_TYPES: dict[str, tuple[type, ...]] = {"slower": (int, float), "personal": (bool,)}
_PAGING = frozenset({"before", "limit"})


def parsed(wanted: str) -> Wanted:
    """Return the search that `wanted` (JSON) stands for; raises `BadInput`."""
    try:
        held: Any = json.loads(wanted)
    except ValueError as error:
        raise BadInput(what="wanted", why=str(error)) from error
    names = {f.name for f in fields(Wanted)} - _PAGING
    if not isinstance(held, dict) or not set(held) <= names:
        raise BadInput(what="wanted", why="unknown condition")
    for name, value in held.items():
        if not isinstance(value, _TYPES.get(name, (str,))):
            raise BadInput(what=f"wanted.{name}", why="of another type")
    return Wanted(**held)
