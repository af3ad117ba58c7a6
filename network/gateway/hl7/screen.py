"""What is done to the text that remains: masks, personal numbers where none may stand, markup."""

from collections.abc import Iterable

from network.gateway import dlp, inert, masks
from network.gateway.hl7.escapes import escaped, plain, value_of
from network.gateway.hl7.message import FIELD_LIMIT, Separators
from network.gateway.hl7.parts import NOTHING, Masked, Rule
from network.gateway.refusals import BodyRefused


def masked(fields: list[str], rule: Rule, separators: Separators) -> int:
    """Mask the fields of one segment in place; return how many values were changed."""
    count = 0
    for number, given in rule.masks.items():
        chosen = range(1, len(fields)) if number == 0 else (number,)
        for at in chosen:
            if at < len(fields) and fields[at]:
                for one in given:
                    fields[at], changed = _mask_field(fields[at], one, separators)
                    count += changed
    return count


def _mask_field(value: str, one: Masked, separators: Separators) -> tuple[str, int]:
    if len(value) > FIELD_LIMIT:
        raise BodyRefused(path="$", why=f"a field over {FIELD_LIMIT} characters")
    count, anew = 0, []
    for repetition in value.split(separators.repetition):
        held = repetition.split(separators.component)
        for at, component in enumerate(held):
            if one.component in (0, at + 1) and component:
                held[at], changed = _mask_leaves(component, one.profile, separators)
                count += changed
        anew.append(separators.component.join(held).rstrip(separators.component))
    # A value of which nothing is left leaves no empty repetition behind either.
    return separators.repetition.join(anew).rstrip(separators.repetition), count


def _mask_leaves(value: str, profile: str, separators: Separators) -> tuple[str, int]:
    leaves, count = value.split(separators.subcomponent), 0
    for at, leaf in enumerate(leaves):
        if not leaf or leaf == '""':  # the null of HL7 says "delete it"
            continue
        made = escaped(masks.apply(profile, value_of(leaf, separators)), separators)
        count += made != leaf
        leaves[at] = made
    return separators.subcomponent.join(leaves), count


def harmless(lines: list[str], separators: Separators) -> int:
    r"""Make markup inert in place; return how many places were changed.

    Markup that hides behind formatting (`<scr\\H\\ipt`) is found too; then the formatting goes.
    """
    changed = inert.text(plain("\r".join(lines), separators))[1]
    if changed:
        for at, line in enumerate(lines):
            made, _ = inert.text(line)
            bare, hidden = inert.text(plain(line, separators))
            lines[at] = bare if hidden and inert.text(plain(made, separators))[1] else made
    return changed


def personal(
    lines: list[str],
    rules: dict[str, Rule],
    separators: Separators,
    inside: tuple[dlp.Hit, ...] = (),
    *,
    mask: bool,
) -> tuple[str, int]:
    """Return which personal numbers stand where none was declared, and how many were masked in place.

    `inside` are those of attachments, which stand in no line; they are only counted.
    In `lines` item n of a segment is field n, in MSH too.
    """
    text = plain("\r".join(lines), separators)
    hits = _undeclared(text, dlp.find(text), rules, separators.field)
    if not hits:
        return dlp.summary(inside), 0
    if mask:
        if hits[0].start < len(text.partition("\r")[0]):
            # Masked, two control ids could become one, and the receiver would drop the second message.
            raise BodyRefused(path="MSH", why="a personal number in the head", hl7=102)
        clean = masks.numbers(text, [(hit.kind, hit.start, hit.end) for hit in hits])
        lines[:] = clean.split("\r")
    return dlp.summary((*hits, *inside)), len(hits) if mask else 0


def _undeclared(
    text: str, hits: Iterable[dlp.Hit], rules: dict[str, Rule], mark: str
) -> list[dlp.Hit]:
    """Return the hits whose field may not carry their kind; each character is passed once."""
    found: list[dlp.Hit] = []
    number = seen = 0  # the field at which `seen`, a place in the text, lies
    rule = rules.get(text[:3])
    for hit in hits:
        start = text.rfind("\r", seen, hit.start) + 1
        if start:
            rule, number, seen = rules.get(text[start : start + 3]), 0, start
        number += text.count(mark, seen, hit.start)
        seen = hit.start
        if hit.kind not in (rule.carried(number) if rule else NOTHING):
            found.append(hit)
    return found
