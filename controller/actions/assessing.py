"""What may be asked about how runs are made: objects beside the box, choices of the rule sets, the schedule."""

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from appliance.errors import BadInput, Conflict, NotFound, Text
from compliance import rulesets
from compliance.catalogue import LAWS, load
from compliance.given import Foreign
from compliance.model import Kind
from compliance.questionnaire import known
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.actions.papers import prose
from controller.records import answers, compliance
from controller.records.answers import FORMER, Paper
from controller.records.assessment import ForeignObject

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
KEY = re.compile(r"[a-z0-9][A-Za-z0-9._-]{1,118}")
REF = re.compile(r"[a-z]{2,16}:[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SHORT = 200  # characters
_MOST_ITEMS = 257


class BoxsOwn(Conflict):
    """The name belongs to an object that the box itself is."""

    code = "compliance.own_object"
    text = Text("{ref} 是医盒自身的对象", "{ref} is an object of the box itself")
    hint = Text("请为外部对象另取名称。", "Give the foreign object another name.")


class ObjectInUse(Conflict):
    """Statements or waivers on the object still hold."""

    code = "compliance.object_in_use"
    text = Text("{ref} 上仍有有效记录 {papers} 份", "{papers} papers on {ref} still hold")
    hint = Text("请先退回这些记录。", "Take those back first.")


@dataclass(frozen=True)
class SetObject(Action):
    """Enter an object beside the box, or change what is said of it; `applies_to` is JSON: item ids, or []."""

    of_kind: str
    name: str
    what: str
    maker: str
    place: str
    applies_to: str

    kind: ClassVar[str] = "compliance.object.set"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "登记外部测评对象 {of_kind}:{name}（{what}）",
        "Enter the foreign object {of_kind}:{name} ({what})",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"assessed/{self.ref}"

    @property
    def ref(self) -> str:
        """How findings name it."""
        return f"{self.of_kind}:{self.name}"

    @property
    def items(self) -> list[str]:
        """The items that it is asked; none: those of its kind. Raises `BadInput`."""
        return _items(self.applies_to)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.one_of("kind", self.of_kind, tuple(map(str, Kind)))
        fields.matches("name", self.name, NAME)
        prose("what", self.what, _SHORT)
        for name in ("maker", "place"):
            if value := getattr(self, name):
                prose(name, value, _SHORT)
        _items(self.applies_to)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        told = {name: getattr(self, name) for name in ("what", "maker", "place")}
        return {**told, "applies_to": self.items}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if self.ref in {one.ref for one in answers.subjects(session)}:
            raise BoxsOwn(ref=self.ref)
        if lost := self._unasked(session):
            raise ObjectInUse(ref=self.ref, papers=len(lost))

    def _unasked(self, session: Session) -> list[Paper]:
        """Return the papers whose question this would take away: a fault that was stated must not vanish so."""
        where, before = answers.subject(self.ref), answers.unentered(session)
        after = [Foreign(where.kind, self.name, "", applies_to=tuple(self.items))]
        return [
            one
            for one in _papers_on(session, self.ref)
            if known(one.item, where, before) and not known(one.item, where, after)
        ]


@dataclass(frozen=True)
class RemoveObject(Action):
    """Take an object beside the box out; nothing may be stated of it any more."""

    ref: str

    kind: ClassVar[str] = "compliance.object.remove"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text("移除外部测评对象 {ref}", "Remove the foreign object {ref}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"assessed/{self.ref}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("ref", self.ref, REF)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.get(ForeignObject, self.ref) is None:
            raise NotFound(what="外部测评对象 foreign object", name=self.ref)
        if held := _papers_on(session, self.ref):
            raise ObjectInUse(ref=self.ref, papers=len(held))


@dataclass(frozen=True)
class SetChoice(Action):
    """Choose among a rule set's options (`hbox-2025-1.partial`), or the run before correction (`former`).

    An empty value takes the choice back.
    """

    key: str
    value: str

    kind: ClassVar[str] = "compliance.option.set"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.AUDIT})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text(
        "设置等保规则集选项 {key} 为 “{value}”", "Set the rule sets' option {key} to “{value}”"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"option/{self.key}"

    def locks(self) -> tuple[str, ...]:
        """The choices, of which there is one table."""
        return ("compliance/choices",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("key", self.key, KEY)
        if self.value and self.key == FORMER:
            fields.matches("value", self.value, fields.ID)
        elif self.value:
            rulesets.check({self.key: self.value})

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"value": self.value}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if self.key == FORMER and self.value:
            compliance.run(session, self.value)


@dataclass(frozen=True)
class SetSchedule(Action):
    """Make a run every `days` days (0: none) at the hour `hour` of Beijing time, on behalf of who asks."""

    days: int
    hour: int

    kind: ClassVar[str] = "compliance.schedule.set"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    sentence: ClassVar[Text] = Text(
        "定期执行等保检查：每 {days} 天，{hour} 时（0 天为停用）",
        "Run the inspection every {days} days at {hour} o'clock (0 days: never)",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return "compliance/schedule"

    def locks(self) -> tuple[str, ...]:
        """The choices, of which there is one table."""
        return ("compliance/choices",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.within("days", self.days, 0, 90)
        fields.within("hour", self.hour, 0, 23)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"days": self.days, "hour": self.hour}


def _papers_on(session: Session, ref: str) -> list[Paper]:
    papers: list[Paper] = [*answers.statements(session), *answers.waivers(session)]
    return [one for one in papers if one.subject == ref]


def _items(text: str) -> list[str]:
    try:
        held: Any = json.loads(text)
    except ValueError as error:
        raise BadInput(what="applies_to", why=str(error)) from error
    if not isinstance(held, list) or len(held) > _MOST_ITEMS:
        raise BadInput(what="applies_to", why="a list of items")
    known = {item.id for name in ((), *((law,) for law in LAWS)) for item in load(*name).items}
    for one in held:
        if one not in known:
            raise BadInput(what="applies_to", why=f"没有此条款 no such item: {str(one)[:40]}")
    return [str(one) for one in held]
