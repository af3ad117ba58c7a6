"""What mends which finding: for every check either one remedy of the box, or advice to a person."""

from collections.abc import Iterable

from appliance.errors import BadInput, Text
from compliance.remedies.advice_box import BOX
from compliance.remedies.advice_node import NODE
from compliance.remedies.host import HOST
from compliance.remedies.model import Remedy
from compliance.remedies.platform import PLATFORM

REMEDIES: dict[str, Remedy] = {one.id: one for one in (*HOST, *PLATFORM)}
"""Every remedy, by its id, which is also the tag of its tasks in the roles."""

ADVICE: dict[str, Text] = {**NODE, **BOX}
"""What a person does where the box cannot mend it, by the check's id."""


class NoSuchRemedy(BadInput):
    """The box has no remedy of that name, and no check that has one."""

    code = "compliance.no_remedy"
    text = Text("“{name}” 没有自动整改措施", "There is no remedy for '{name}'")
    hint = Text("由人处理：{advice_zh}", "For a person: {advice_en}")


def for_check(check: str) -> Remedy | None:
    """Return the remedy that mends what the check finds, None where a person must."""
    return next((one for one in REMEDIES.values() if check in one.checks), None)


def named(names: Iterable[str]) -> tuple[Remedy, ...]:
    """Return the remedies of these names (of remedies or checks), each once, in the table's order.

    Raises `NoSuchRemedy`, whose hint is the advice for that check.
    """
    wanted = set()
    for name in names:
        found = REMEDIES.get(name) or for_check(name)
        if found is None:
            told = ADVICE.get(name) or Text(
                "请用 hbox compliance remedies 查看可用措施。",
                "`hbox compliance remedies` lists what there is.",
            )
            raise NoSuchRemedy(name=name, advice_zh=told.zh, advice_en=told.en)
        wanted.add(found.id)
    return tuple(one for one in REMEDIES.values() if one.id in wanted)


def safe_for(checks: Iterable[str]) -> tuple[Remedy, ...]:
    """Return the safe remedies of these failed checks, in the table's order."""
    held = set(checks)
    return tuple(one for one in REMEDIES.values() if one.safe and held & set(one.checks))
