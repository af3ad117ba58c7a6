"""Waivers: whether each still holds, and for what; a waiver changes no verdict and no rate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from appliance.errors import Text
from compliance.given import Waiver
from compliance.judged import OPEN
from compliance.statements import same_person

Part = Mapping[str, Any]


class Standing(StrEnum):
    """Whether a waiver holds."""

    VALID = "valid"
    EXPIRED = "expired"
    INVALID = "invalid"
    NOTHING = "nothing"


STANDING_TEXT = {
    Standing.VALID: Text("豁免有效", "waived"),
    Standing.EXPIRED: Text("豁免已过期", "waiver has expired"),
    Standing.INVALID: Text("豁免无效", "waiver is not valid"),
    Standing.NOTHING: Text("没有可豁免的问题", "nothing to waive"),
}

_FAULTS: tuple[tuple[Callable[[Waiver], bool], Text], ...] = (
    (
        lambda one: not one.reason.strip() or not one.measure.strip(),
        Text("缺少理由或补偿措施", "it names no reason or no compensating measure"),
    ),
    (
        lambda one: not one.approved_by.strip() or not one.requested_by.strip(),
        Text("缺少申请人或批准人", "its requester or its approver is missing"),
    ),
    (
        lambda one: same_person(one.approved_by, one.requested_by),
        Text("批准人与申请人是同一人", "its requester approved it himself"),
    ),
)


def weigh(waivers: Sequence[Waiver], findings: Sequence[Part], today: str) -> list[dict[str, Any]]:
    """Return each waiver in the form a report carries, with its `state` on the day `today` and why."""
    verdicts = {(one["item"], one["subject"]): one["verdict"] for one in findings}
    weighed = []
    for one in waivers:
        state, why = _standing(one, verdicts.get((one.item, one.subject)), today)
        weighed.append({**asdict(one), "state": str(state), "why": why.as_dict()})
    return weighed


def _standing(one: Waiver, verdict: str | None, today: str) -> tuple[Standing, Text]:
    """Return the first thing that is wrong with it, a wrong form before a passed day."""
    if verdict is None:
        return Standing.NOTHING, Text("没有这样的条款或对象", "there is no such item or object")
    if verdict not in OPEN:
        return Standing.NOTHING, Text("该条没有待处理的问题", "there is nothing open to waive")
    for fault, why in _FAULTS:
        if fault(one):
            return Standing.INVALID, why
    if one.expires < today:
        return Standing.EXPIRED, Text(f"已于 {one.expires} 到期", f"it ended on {one.expires}")
    return Standing.VALID, Text(f"有效至 {one.expires}", f"it holds until {one.expires}")


def read(raw: Mapping[str, Any]) -> Waiver:
    """Return the waiver that a report carries in the form of `weigh`."""
    return Waiver(**{k: v for k, v in raw.items() if k not in ("state", "why")})
