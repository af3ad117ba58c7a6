"""One HL7 v2 message held against its channel: only allow-listed parts come out again, made anew."""

import re
from dataclasses import dataclass

from network.gateway import dlp
from network.gateway.findings import readable
from network.gateway.hl7 import attachments, screen
from network.gateway.hl7.attachments import Attached
from network.gateway.hl7.charset import encoded
from network.gateway.hl7.escapes import canonical
from network.gateway.hl7.message import FIELD_LIMIT, Head, Message, Separators, parse
from network.gateway.hl7.parts import NOTHING, Rule, kept, missing
from network.gateway.refusals import BodyRefused

SENDER = "HBOX"  # MSH-3 where the channel does not let the sender's own name pass
_NO_RULE = Rule()
_KEPT = (7, 9, 10, 11, 12, 18)
_CONTROL_ID = re.compile(r"[!-~]{1,199}")
_FORMS: dict[int, tuple[re.Pattern[str], int]] = {
    # field of MSH: its lawful form, the error of table 0357
    7: (re.compile(r"(\d{4,14}(\.\d{1,4})?([+-]\d{4})?)?"), 102),
    9: (re.compile(r"[A-Z][A-Z0-9]{2}(\^[A-Z][A-Z0-9]{2}(\^[A-Z0-9_]{0,20})?)?"), 200),
    11: (re.compile(r"[PDT]"), 202),
    12: (re.compile(r"2\.\d(\.\d)?"), 203),
}


@dataclass(frozen=True, slots=True)
class Minimised:
    """A message that may cross, and what was done to it (see `Crossing`)."""

    head: Head
    body: bytes
    dropped: int
    masked: int
    inert: int
    found: str
    files: tuple[bytes, ...]


def minimise(raw: bytes, rules: dict[str, Rule], charset: str, *, mask: bool) -> Minimised:
    """Return `raw` with only the parts of `rules`; `mask` masks personal numbers found elsewhere.

    Raises `BodyRefused`: what `parse` refuses, a missing or unlawful field, an unreadable attachment.
    """
    message = parse(raw, charset)
    head, sep = message.head, message.head.separators
    lines, dropped, hidden = _remaining(message, rules)
    changed = _canonical(lines, head)  # first of all: an attachment can hide behind escapes
    files = attachments.taken_out(lines, sep)
    if len(raw) > FIELD_LIMIT:
        _bounded(lines, sep)  # before anything that costs more for a longer text
    changed += screen.harmless(lines, sep)
    inside = _inside(files, rules, mask=mask)
    found, more = screen.personal(lines, rules, sep, inside, mask=mask)
    attachments.put_back(lines, files, sep)
    lines[0] = f"MSH{sep.field}{sep.encoding}{lines[0][5:]}"
    body = encoded("\r".join(lines) + "\r", head.codec)
    return Minimised(
        head, body, dropped, hidden + more, changed, found,
        tuple(file for one in files for file in one.files),
    )  # fmt: skip


def _remaining(message: Message, rules: dict[str, Rule]) -> tuple[list[str], int, int]:
    """Return the lines that remain, how many fields went and how many values were masked.

    The first line is `MSH|||` and MSH-3 on: item n of it is MSH-n as in any other segment.
    """
    sep = message.head.separators
    first, dropped, hidden = _head(message.head, rules.get("MSH", _NO_RULE))
    lines, seen = [first], {"MSH"}
    for line in message.lines[1:]:
        fields = line.split(sep.field)
        rule = rules.get(fields[0])
        if rule is None:
            dropped += len(fields) - 1 - fields.count("")
            continue
        made, gone = kept(rule, fields, sep)
        dropped += gone
        if rule.required or rule.masks:
            hidden += _seen_to(rule, made, sep)
            seen.add(made[0])
        text = sep.field.join(made)
        text = text if rule.whole else text.rstrip(sep.field)
        if len(text) > 3:
            lines.append(text)
    for name, rule in rules.items():
        if rule.required and name not in seen:
            raise BodyRefused(path=name, why="missing", hl7=100)
    return lines, dropped, hidden


def _seen_to(rule: Rule, made: list[str], sep: Separators) -> int:
    """Check that what is required is there, then mask; return how many values were masked."""
    lacks = missing(rule, made, sep)
    if lacks:
        raise BodyRefused(path=f"{made[0]}-{lacks}", why="missing", hl7=101)
    return screen.masked(made, rule, sep) if rule.masks else 0


def _head(head: Head, rule: Rule) -> tuple[str, int, int]:
    sep = head.separators
    fields = ["MSH", "", "", *head.fields[2:]]
    if head.get(14):
        raise BodyRefused(path="MSH-14", why="continued messages are not supported", hl7=207)
    made, dropped = kept(rule, fields, sep)
    made += [""] * (19 - len(made))
    hidden = _seen_to(rule, made, sep)
    if 3 not in rule.parts:
        made[3] = SENDER
    for number in _KEPT:
        made[number] = lawful_head(head, number)
        dropped -= bool(made[number])
    while not made[-1]:
        made.pop()
    return sep.field.join(made), max(0, dropped), hidden


def lawful_head(head: Head, number: int) -> str:
    """Return one of the fields of MSH that always cross, in its plainest form; raises `BodyRefused`."""
    sep = head.separators
    value = head.get(number).split(sep.repetition)[0]
    if number == 10:
        if not _CONTROL_ID.fullmatch(value) or not set(value).isdisjoint(sep.encoding):
            raise BodyRefused(path="MSH-10", why="missing or unlawful", hl7=101)
        return value
    if number == 18:
        return value
    if number == 9:
        value = "^".join(value.split(sep.component)[:3])
    else:
        value = value.split(sep.component)[0]
    form, error = _FORMS[number]
    if not form.fullmatch(value):
        raise BodyRefused(path=f"MSH-{number}", why="missing or unlawful", hl7=error)
    return value.replace("^", sep.component)


def _canonical(lines: list[str], head: Head) -> int:
    text = "\r".join(lines)
    if head.separators.escape not in text:
        return 0
    made, changed = canonical(text, head.separators, head.codec)
    lines[:] = made.split("\r")
    return changed


def _inside(files: list[Attached], rules: dict[str, Rule], *, mask: bool) -> tuple[dlp.Hit, ...]:
    """Return the personal numbers in attachments that are text and may not be there."""
    may = rules["OBX"].carried(5) if files else NOTHING
    hits = [hit for one in files for file in one.files for hit in dlp.find(readable(file), may)]
    if hits and mask:
        raise BodyRefused(path="OBX-5", why=f"a personal number ({hits[0].kind}) in an attachment")
    return tuple(hits)


def _bounded(lines: list[str], sep: Separators) -> None:
    for line in lines:
        if len(line) > FIELD_LIMIT and max(map(len, line.split(sep.field))) > FIELD_LIMIT:
            raise BodyRefused(path=line[:3], why=f"a field over {FIELD_LIMIT} characters")
