"""What a person's statement does to a finding: when it counts, and that it overrides no machine.

A statement counts when another person than its author approved it and its review day is not past. It
decides what no check asks, and completes what a machine saw in part. Where a machine found a fault, or
could not see, its verdict stands. Where the checks conform, a person may still find worse: such a fault
outlasts its review day, for time mends nothing; it ends with the next approved statement.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from appliance.errors import Text
from compliance.given import Attachment, Statement
from compliance.model import Verdict, worst


class Effect(StrEnum):
    """What became of a statement."""

    DECIDES = "decides"
    COMPLETES = "completes"
    WORSENS = "worsens"
    AGREES = "agrees"
    CONTRADICTED = "contradicted"
    WAITS = "waits"
    LAPSED = "lapsed"
    NOTHING = "nothing"


EFFECT_TEXT = {
    Effect.DECIDES: Text("据此判定", "decides"),
    Effect.COMPLETES: Text("补全机器检查", "completes the machine's part"),
    Effect.WORSENS: Text("人员发现更差", "a person found worse"),
    Effect.AGREES: Text("与机器结果一致", "agrees with the machine"),
    Effect.CONTRADICTED: Text("与机器证据相悖，未采用", "contradicted by the machine, not used"),
    Effect.WAITS: Text("尚不生效", "does not count yet"),
    Effect.LAPSED: Text("已过复核日期", "its review day is past"),
    Effect.NOTHING: Text("没有这样的条款或对象", "for no such item or object"),
}

COUNTS = (Effect.DECIDES, Effect.COMPLETES, Effect.WORSENS, Effect.AGREES)
_FAULTS = (Verdict.VIOLATED, Verdict.PARTIAL)


@dataclass(frozen=True)
class Decided:
    """A finding's verdict after the statement, and what the statement did."""

    verdict: Verdict
    effect: Effect
    reason: Text


def standing(one: Statement, today: str) -> tuple[Effect, Text] | None:
    """Return why `one` does not count on the day `today`, None when it counts."""
    if not one.approved_by.strip() or not one.approved_at.strip():
        return Effect.WAITS, Text("人员记录尚未批准", "the statement is not approved")
    if not one.answered_by.strip():
        return Effect.WAITS, Text("人员记录没有填报人", "the statement names no author")
    if same_person(one.approved_by, one.answered_by):
        return Effect.WAITS, Text("批准人与填报人是同一人", "its author approved it himself")
    if not one.record.strip():
        return Effect.WAITS, Text("没有结果记录或理由", "it gives no record and no reason")
    if one.review_by < today and one.verdict not in _FAULTS:
        return Effect.LAPSED, _late(one)
    return None


def _late(one: Statement) -> Text:
    return Text(
        f"人员记录应于 {one.review_by} 前复核，已逾期",
        f"the statement was to be reviewed by {one.review_by}",
    )


def _overdue(one: Statement, today: str, told: Text) -> Text:
    """Return what is told of a statement that counts; of a fault whose review day is past, that too."""
    if one.review_by >= today:
        return told
    late = _late(one)
    return Text(
        f"{told.zh}（{late.zh}，复核前仍按此判定）",
        f"{told.en} ({late.en}; it stands until somebody looks again)",
    )


def same_person(one: str, other: str) -> bool:
    """Whether two names of an account are the same, however they are written."""
    return one.strip().casefold() == other.strip().casefold()


def decide(machine: Verdict, one: Statement, today: str, *, asked: bool, complete: bool) -> Decided:
    """Return what `one` makes of the machine's verdict on that item and object.

    `asked`: a check found something to judge there; `complete`: the checks answer the whole item.
    """
    barred = standing(one, today)
    if barred:
        return Decided(machine, *barred)
    told = Text(f"人员记录：{one.record}", f"On a person's record: {one.record}")
    told = _overdue(one, today, told)
    if machine is Verdict.PENDING and (not asked or one.verdict in _FAULTS):
        return Decided(one.verdict, Effect.DECIDES, told)
    if one.verdict is machine:
        return Decided(machine, Effect.AGREES, told)
    if machine is Verdict.PENDING and one.verdict is Verdict.CONFORM:
        return Decided(one.verdict, Effect.COMPLETES, told)
    if machine is Verdict.CONFORM and complete and one.verdict in _FAULTS:
        return Decided(worst([machine, one.verdict]), Effect.WORSENS, told)
    return Decided(
        machine,
        Effect.CONTRADICTED,
        Text(
            "人员记录与机器证据相悖，以机器证据为准",
            "a person's statement contradicts the machine's evidence, which stands",
        ),
    )


def weigh(
    stated: Sequence[Statement],
    findings: Mapping[tuple[str, str], str],
    risks: Collection[str],
    today: str,
) -> list[dict[str, Any]]:
    """Return each statement in the form a report carries, with its `effect` and why.

    `findings` gives the effect by item and object; `risks` are the mitigations and triggers that a
    statement may also be about.
    """
    return [
        {**plain(one), "effect": str(effect), "why": why.as_dict()}
        for one in stated
        for effect, why in (_effect(one, findings, risks, today),)
    ]


def _effect(
    one: Statement,
    findings: Mapping[tuple[str, str], str],
    risks: Collection[str],
    today: str,
) -> tuple[Effect, Text]:
    held = findings.get((one.item, one.subject))
    barred = standing(one, today)
    if held is None and one.item not in risks:
        return Effect.NOTHING, EFFECT_TEXT[Effect.NOTHING]
    if barred:
        return barred
    effect = Effect(held) if held else Effect.DECIDES
    told = EFFECT_TEXT[effect]
    return effect, _overdue(one, today, told) if effect in COUNTS else told


def plain(one: Statement) -> dict[str, Any]:
    """Return the statement in JSON's terms."""
    return {
        **asdict(one),
        "verdict": str(one.verdict),
        "attachments": [asdict(f) for f in one.attachments],
    }


def read(raw: Mapping[str, Any]) -> Statement:
    """Return the statement that a report carries in the form of `weigh`."""
    files = tuple(Attachment(f["name"], f["size"], f["sha256"]) for f in raw["attachments"])
    fields = {k: v for k, v in raw.items() if k not in ("effect", "why")}
    return Statement(**{**fields, "verdict": Verdict(raw["verdict"]), "attachments": files})
