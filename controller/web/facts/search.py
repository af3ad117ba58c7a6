"""The search of transfers as a form: what the address asks for, and the address of what was asked."""

import datetime as dt
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from appliance import clock
from appliance.clock import BEIJING
from appliance.errors import BadInput
from controller.records.gateway import Wanted

_TEXTS = {
    "channel": 64, "verdict": 16, "state": 16, "direction": 32, "data_class": 32, "kind": 120,
    "rule": 120, "delivery": 40, "who": 64, "text": 120,
}  # fmt: skip


@dataclass(frozen=True)
class Search:
    """What was asked, as typed: times are Beijing time without zone, `slower` milliseconds."""

    channel: str = ""
    verdict: str = ""
    state: str = ""
    direction: str = ""
    data_class: str = ""
    kind: str = ""
    rule: str = ""
    delivery: str = ""
    who: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    slower: str = ""
    personal: str = ""

    @classmethod
    def of(cls, asked: dict[str, str]) -> "Search":
        """Return the search in an address or form; unknown parts are ignored."""
        return cls(**{name: asked.get(name, "").strip() for name in cls.__dataclass_fields__})

    @property
    def address(self) -> str:
        """The search as the part of an address after the question mark."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    @property
    def narrow(self) -> bool:
        """Whether more than channel and verdict was asked for."""
        return any(v for n, v in asdict(self).items() if n not in ("channel", "verdict"))

    def wanted(self, before: int | None = None, limit: int = 100) -> Wanted:
        """Return what to look for; raises `BadInput` for a time or number that is none."""
        texts = {name: _text(name, getattr(self, name)) for name in _TEXTS}
        return Wanted(
            **texts,
            since=_instant("since", self.since),
            until=_instant("until", self.until),
            slower=_number(self.slower),
            personal=bool(self.personal),
            before=before,
            limit=limit,
        )


def _text(name: str, value: str) -> str | None:
    if len(value) > _TEXTS[name]:
        raise BadInput(what=name, why="过长 too long")
    return value or None


def _instant(name: str, value: str) -> str | None:
    if not value:
        return None
    try:
        typed = dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise BadInput(what=name, why="不是时间 not a time") from error
    return clock.iso(typed if typed.tzinfo else typed.replace(tzinfo=BEIJING))


def _number(value: str) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError as error:
        raise BadInput(what="slower", why="不是数 not a number") from error
    if not 0 <= number < 1e9:
        raise BadInput(what="slower", why="超出范围 out of range")
    return number
