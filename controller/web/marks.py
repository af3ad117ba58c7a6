"""What templates call to show things: two languages, instants, durations and sizes."""

import datetime as dt
from collections.abc import Callable

from markupsafe import Markup, escape

from appliance.clock import BEIJING, now
from appliance.errors import Text
from controller.web.drawings.gauges import gauge
from controller.web.rule_words import RULES
from controller.web.words import (
    ACTORS,
    CHANGE_OPS,
    CONSOLES,
    DIRECTIONS,
    DRIFTS,
    LANES,
    LEVEL_L1,
    RIGHTS,
    ZONES,
    mark,
)

# The whole country keeps one time without summer time, so no time zone database is needed.


def t(zh: str, en: str) -> Markup:
    """Return both languages as markup, Chinese first; the reader may hide the English."""
    return Markup('<span lang="zh-CN">{}</span> <span lang="en" class="en">{}</span>').format(
        zh, en
    )


def both(text: Text) -> Markup:
    """Return a `Text` as markup, Chinese first."""
    return t(text.zh, text.en)


def chip(kind: str, value: str) -> Markup:
    """Return a state as a sign, a word and a colour, never as a colour alone."""
    shown = mark(kind, value)
    return Markup('<span class="chip {}">{}</span>').format(shown.tone, both(shown.text))


def chip_tone(tone: str) -> Markup:
    """Return the sign of a finding's weight, with its word for those who do not see colours."""
    words = {"bad": Text("故障", "broken"), "warn": Text("注意", "attention")}
    return Markup('<span class="chip {}">{}</span>').format(tone, both(words[tone]))


def word(table: dict[str, Text]) -> Callable[[str], Markup]:
    """Return a function that shows a value by `table`, or as it is where the table is silent."""

    def shown(value: str) -> Markup:
        text = table.get(value)
        return both(text) if text else escape(value)

    return shown


def rule_word(code: str) -> Markup:
    """Return the words of a gateway's rule with its code below, which transfers are searched by."""
    text = RULES.get(code)
    if text is None:
        return escape(code or "–")
    return Markup('{}<span class="sub mono">{}</span>').format(both(text), code)


def when(instant: str | None, *, year: bool = False) -> Markup:
    """Return an RFC 3339 instant in Beijing time, with the exact one for machines; "–" for none."""
    if not instant:
        return Markup("–")
    local = dt.datetime.fromisoformat(instant).astimezone(BEIJING)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant, instant, local.strftime("%Y-%m-%d %H:%M:%S" if year else "%m-%d %H:%M:%S")
    )


def ago(instant: str | None) -> Markup:
    """Return how long ago an RFC 3339 instant was, rounded down; "–" for none."""
    if not instant:
        return Markup("–")
    seconds = max(0, int((now() - dt.datetime.fromisoformat(instant)).total_seconds()))
    for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size:
            return t(f"{seconds // size} {zh}前", f"{seconds // size} {en} ago")
    return t(f"{seconds} 秒前", f"{seconds} s ago")


def seconds(value: float | None) -> str:
    """Return a duration given in seconds for a person: "0.4 s", "12 s", "2 min 05 s"; "–" for none."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"


def mib(value: int) -> str:
    """Return a size given in MiB, as GiB where that is a whole or half number."""
    return f"{value / 1024:g} GiB" if value >= 1024 and value % 512 == 0 else f"{value} MiB"


def size(value: float) -> str:
    """Return a size given in bytes with a binary unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


GLOBALS: dict[str, object] = {
    "t": t,
    "both": both,
    "chip": chip,
    "chip_tone": chip_tone,
    "when": when,
    "ago": ago,
    "seconds": seconds,
    "mib": mib,
    "size": size,
    "role_word": word(ACTORS),
    "zone_word": word(ZONES),
    "direction_word": word(DIRECTIONS),
    "lane_word": word(LANES),
    "rule_word": rule_word,
    "op_word": word(CHANGE_OPS),
    "console_word": word(CONSOLES),
    "right_word": word(RIGHTS),
    "drift_word": word(DRIFTS),
    "gauge": gauge,
    "state_plain": lambda kind, value: f"{mark(kind, value).text.zh} {mark(kind, value).text.en}",
    "zone_plain": lambda zone: f"{ZONES[zone].zh} {ZONES[zone].en}" if zone in ZONES else zone,
    "op_plain": lambda value: f"{CHANGE_OPS[value].zh} {CHANGE_OPS[value].en}",
    "level_l1": LEVEL_L1,
    "verdict_word": lambda value: mark("verdict", value).text,
    "verdict_plain": lambda value: f"{mark('transfer', value).text.zh} {value}",
}
