"""What people are asked, in the assessor's words: every item on every object that no check decides alone.

Pure: the catalogues, the objects, and what the last run found go in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.errors import Text
from compliance.catalogue import LAWS, Item, load
from compliance.catalogue.risks import table
from compliance.given import Foreign
from compliance.model import Kind, Subject, Verdict

Part = Mapping[str, Any]

RISKS = "risks"
"""The layer of what is asked beside items: mitigations of high-risk cases, triggers that no item carries."""

SITE = Subject(Kind.PERSON, "site")
ALWAYS = (
    Subject(Kind.BOUNDARY, "gateway"),
    Subject(Kind.CONTROLLER, "box"),
    Subject(Kind.APP, "modules"),
    Subject(Kind.DB, "box"),
    SITE,
)
"""Objects that every box has, beside host and hypervisor of each node."""

_HOW = {
    "8.1.1": Text("应到现场查看机房，并查阅验收或检测记录", "See the room itself, and its acceptance or test records"),
    "8.1.6": Text("应查阅制度文件及其发布、评审、修订记录", "Read the rules, and how they were issued, reviewed and revised"),
    "8.1.7": Text("应访谈主管，查阅任命文件、岗位职责和审批记录", "Ask the head; read appointments, duties and approvals"),
    "8.1.8": Text("应访谈人事负责人，查阅录用、离岗、培训和保密记录", "Ask the head of staff; read records of hiring, leaving, training and secrecy"),
    "8.1.9": Text("应查阅定级、方案、采购、开发、测试和交付文件", "Read grading, plans, purchases, development, tests and delivery"),
    "8.1.10": Text("应访谈运维负责人，查阅操作、变更、巡检和处置记录", "Ask the head of operation; read records of operation, change, inspection and response"),
    RISKS: Text("应取得可证明该措施或该情形的材料", "Obtain what proves the measure, or the absence of the condition"),
}  # fmt: skip
_ELSE = Text(
    "应核查配置与记录，并验证其有效", "Examine configuration and records, and verify that they work"
)


@dataclass(frozen=True)
class Question:
    """One question to people. `how` is what an assessor does to answer it; `machine` is yes, partly or no.

    `seen` is the verdict of the last run there ("" where no run judged it), `why` its reason.
    """

    layer: str
    item: str
    subject: str
    text: Text
    how: Text
    machine: str
    high_risk: str
    major_risk: str
    seen: str = ""
    why: Text | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Item and object: there is one question of them."""
        return self.item, self.subject


@dataclass(frozen=True)
class LayerName:
    """A layer of the questionnaire, and what it is called."""

    id: str
    text: Text


def layers() -> tuple[LayerName, ...]:
    """Return the layers in the catalogues' order, the risks last."""
    named = [LayerName(one.id, one.text) for name in _catalogues() for one in load(*name).layers]
    return (*named, LayerName(RISKS, Text("缓解措施与重大风险触发项", "Mitigations and triggers")))


def questions(
    subjects: Sequence[Subject], foreign: Sequence[Foreign], last: Part | None = None
) -> list[Question]:
    """Return what people are asked, layer by layer; `last` is the newest report, if there is one.

    What the checks of the last run answered as a whole is no question.
    """
    found = _found(last)
    asked = [
        _question(layer.id, item, subject, found)
        for name in _catalogues()
        for layer in load(*name).layers
        for item in layer.items
        for subject in _places(item, subjects, foreign)
        if not _decided(found.get((item.id, subject.ref)))
    ]
    return [*asked, *(made for name in _risk_names() if (made := one(name, SITE.ref)))]


def known(item: str, subject: Subject, foreign: Sequence[Foreign]) -> bool:
    """Whether there is such a question: the item asks this object, or it is a mitigation or a trigger."""
    if item in _risk_names():
        return True
    held = next((o for name in _catalogues() for o in load(*name).items if o.id == item), None)
    return held is not None and bool(_places(held, [subject], foreign))


def one(item: str, subject: str) -> Question | None:
    """Return the question of an item (or mitigation, or trigger) on one object; None for no such item."""
    risks = _risk_names()
    if item in risks:
        text, case = risks[item]
        return Question(RISKS, item, subject, text, _HOW[RISKS], "no", case, "")
    kind, _, name = subject.partition(":")
    for catalogue in _catalogues():
        for layer in load(*catalogue).layers:
            for each in layer.items:
                if each.id == item:
                    return _question(layer.id, each, Subject(Kind(kind), name), {})
    return None


def _catalogues() -> Iterable[tuple[str, ...]]:
    return ((), *((name,) for name in LAWS))


def _places(item: Item, subjects: Sequence[Subject], foreign: Sequence[Foreign]) -> list[Subject]:
    listed = {one.subject: one.applies_to for one in foreign}
    every = dict.fromkeys([*subjects, *listed])
    return [
        one
        for one in every
        if (item.id in listed[one] if listed.get(one) else one.kind in item.kinds)
    ]


def _question(
    layer: str, item: Item, subject: Subject, found: Mapping[tuple[str, str], Part]
) -> Question:
    seen = found.get((item.id, subject.ref))
    why = Text(seen["reason"]["zh"], seen["reason"]["en"]) if seen else None
    return Question(
        layer=layer,
        item=item.id,
        subject=subject.ref,
        text=item.text,
        how=_HOW.get(layer, _ELSE),
        machine=item.machine,
        high_risk=item.high_risk,
        major_risk=item.major_risk,
        seen=seen["verdict"] if seen else "",
        why=why,
    )


def _risk_names() -> dict[str, tuple[Text, str]]:
    """Return mitigations that people prove, and triggers that no item carries, with text and case."""
    named: dict[str, tuple[Text, str]] = {}
    for case in table().cases:
        named |= {one.id: (one.text, case.id) for one in case.mitigations if one.people}
        if not case.items:
            # Conforming means that the condition does not hold.
            text = Text(f"不存在该情形：{case.text.zh}", f"Does not hold: {case.text.en}")
            named[case.id] = (text, "")
    return named


def _found(last: Part | None) -> dict[tuple[str, str], Part]:
    if last is None:
        return {}
    parts = [last, *last.get("laws", ())]
    return {(one["item"], one["subject"]): one for part in parts for one in part["findings"]}


def _decided(finding: Part | None) -> bool:
    """Whether the checks answered the whole item there, or found a fault that no statement changes."""
    if finding is None:
        return False
    machine = finding.get("machine", finding["verdict"])
    return machine not in (Verdict.PENDING, Verdict.CONFORM) or (
        machine == Verdict.CONFORM and bool(finding.get("complete"))
    )
