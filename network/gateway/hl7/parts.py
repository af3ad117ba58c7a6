"""The allow-list of an HL7 v2 channel, compiled: which fields and components of a segment remain."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter

from network.gateway.channel import Part
from network.gateway.dlp import KINDS
from network.gateway.hl7.message import Separators
from network.gateway.masks import known

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})-(?:(\*)|([1-9]\d{0,2})(?:\.([1-9]\d?))?)")
_OURS = frozenset({1, 2, 7, 9, 10, 11, 12, 15, 16, 18})  # of MSH: made by us, never by a part
_NEVER = frozenset({8, 14})  # of MSH: security text, continuation
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Masked:
    """A profile for a whole field (`component` 0) or one component of it."""

    component: int
    profile: str


@dataclass(slots=True)
class Rule:
    """What remains of one kind of segment; `parts` maps a field to components, none means the whole."""

    whole: bool = False
    parts: dict[int, tuple[int, ...]] = field(default_factory=dict)
    required: tuple[tuple[int, int], ...] = ()
    masks: dict[int, tuple[Masked, ...]] = field(default_factory=dict)
    carries: dict[int, frozenset[str]] = field(default_factory=dict)
    pick: Callable[[list[str]], tuple[str, ...]] = itemgetter(0, -1)  # item -1 is an empty field
    blanks: list[str] = field(default_factory=lambda: [""])
    cut: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def carried(self, number: int) -> frozenset[str]:
        """Return the kinds of personal number that may stand in field `number`."""
        return self.carries.get(number) or self.carries.get(0, NOTHING)


def compiled(parts: Iterable[Part]) -> dict[str, Rule]:
    """Return the rule of every segment; raises `ValueError` for a path that is none or comes twice."""
    rules: dict[str, Rule] = {}
    seen: set[str] = set()
    for part in parts:
        found = _PATH.fullmatch(part.path)
        if found is None or part.path in seen:
            raise ValueError(f"{part.path} is no path, or comes twice")
        seen.add(part.path)
        if not known(part.mask) or not KINDS.issuperset(part.carries):
            raise ValueError(f"{part.path} has an unknown mask or kind of personal number")
        number, component = int(found[3] or 0), int(found[4] or 0)
        _lawful_in_msh(found[1], number)
        _add(rules.setdefault(found[1], Rule()), part, number, component)
    for rule in rules.values():
        last = max(rule.parts, default=0)
        places = (n if n in rule.parts else -1 for n in range(1, last + 1))
        rule.pick, rule.blanks = itemgetter(0, -1, *places), [""] * (last + 2)
        rule.cut = tuple((n, kept) for n, kept in sorted(rule.parts.items()) if kept)
    return rules


def _lawful_in_msh(name: str, number: int) -> None:
    if name in ("FHS", "BHS", "BTS", "FTS"):
        raise ValueError(f"{name} is no segment of a message")
    if name == "MSH" and (number == 0 or number in _OURS | _NEVER):
        raise ValueError(f"MSH-{number or '*'} is not a channel's to allow")


def _add(rule: Rule, part: Part, number: int, component: int) -> None:
    held = rule.parts.get(number)
    if held is not None and (component == 0 or held == ()):
        raise ValueError(f"{part.path} is within another path, or the other way round")
    if number == 0:
        rule.whole = True
    else:
        rule.parts[number] = tuple(sorted({*(held or ()), component})) if component else ()
    if part.required:
        rule.required = (*rule.required, (number, component))
    if part.mask:
        rule.masks[number] = (*rule.masks.get(number, ()), Masked(component, part.mask))
    if part.carries:
        rule.carries[number] = rule.carries.get(number, NOTHING) | frozenset(part.carries)


def kept(rule: Rule, fields: list[str], separators: Separators) -> tuple[list[str], int]:
    """Return the fields that remain, in their places, and how many that said something are gone or cut.

    What goes is empty. `fields` itself is used up.
    """
    if rule.whole:
        return fields, 0
    said = len(fields) - fields.count("")
    # Long enough for every place, and an empty one at the end.
    fields += rule.blanks[len(fields) :] or [""]
    made = list(rule.pick(fields))
    del made[1]
    gone = said - len(made) + made.count("")
    for number, components in rule.cut:
        if made[number]:
            made[number] = _cut(made[number], components, separators)
            gone += made[number] != fields[number]
    return made, gone


def _cut(value: str, components: tuple[int, ...], separators: Separators) -> str:
    anew = []
    for repetition in value.split(separators.repetition):
        held = repetition.split(separators.component)
        size = min(len(held), components[-1])
        made = [""] * size
        for number in components:
            if number <= size:
                made[number - 1] = held[number - 1]
        anew.append(separators.component.join(made).rstrip(separators.component))
    return separators.repetition.join(anew).rstrip(separators.repetition)


def missing(rule: Rule, fields: list[str], separators: Separators) -> str:
    """Return the path of a required part that is not there, without the segment's name, or empty."""
    for number, component in rule.required:
        value = fields[number] if number < len(fields) else ""
        if number and not (_component(value, component, separators) if component else value):
            return f"{number}.{component}" if component else str(number)
    return ""


def _component(value: str, number: int, separators: Separators) -> str:
    held = value.split(separators.repetition, 1)[0].split(separators.component)
    return held[number - 1] if number <= len(held) else ""
