"""An HL7 v2 message as lines of text: separators from MSH-1 and MSH-2, fields only when asked for."""

from dataclasses import dataclass
from functools import lru_cache

from network.gateway.hl7.charset import decoded, decoded_head
from network.gateway.refusals import BodyRefused

SEGMENTS = 20_000  # of one message
FIELDS = 200_000  # separators of all kinds in one message
FIELD_LIMIT = 65_536  # characters of one field that is no attachment
# Not those of which markup and numbers are made: < > : ' " ( ) [ ] - . and blank.
_MARKS = frozenset("!#$%&*+,/;=?@\\^_`{|}~")
_DELETE = bytes(c for c in (*range(32), 127) if c not in b"\t\r\n")
_C1 = frozenset(map(chr, range(0x80, 0xA0))) | {"\u2028", "\u2029"}


@dataclass(frozen=True, slots=True)
class Separators:
    """MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    rest: str = ""  # a fifth one, for truncated values, since v2.7

    @property
    def encoding(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.rest


STANDARD = Separators()


@dataclass(frozen=True, slots=True)
class Head:
    """The MSH segment; `fields[n - 1]` is MSH-n for n of 2 and more."""

    separators: Separators
    codec: str
    fields: tuple[str, ...]

    def get(self, number: int) -> str:
        """Return MSH-`number`, empty when it is not there."""
        if number == 1:
            return self.separators.field
        return self.fields[number - 1] if number <= len(self.fields) else ""

    @property
    def type(self) -> str:
        """MSH-9 as `SIU^S12`, whatever the separators and without the structure (MSH-9.3)."""
        return "^".join(self.get(9).split(self.separators.component)[:2])


@dataclass(frozen=True, slots=True)
class Message:
    """A message; the first of `lines` is the MSH segment."""

    head: Head
    lines: list[str]

    def segments(self, name: str) -> list[list[str]]:
        """Return the fields of every segment `name`; of MSH too, item n is field n (n - 1 in MSH)."""
        sep = self.head.separators.field
        return [line.split(sep) for line in self.lines if line[:3] == name]

    def field(self, name: str, number: int) -> str:
        """Return field `number` of the first segment `name`, empty when it is not there."""
        if name == "MSH":
            return self.head.get(number)
        for fields in self.segments(name):
            return fields[number] if number < len(fields) else ""
        return ""


@lru_cache(maxsize=8)
def head_of(raw: bytes, default: str) -> Head:
    """Read only the MSH segment of `raw`; raises `BodyRefused`. A few are remembered."""
    if raw[:3] != b"MSH" or len(raw) < 8:
        raise BodyRefused(path="MSH", why="the message does not start with MSH")
    text, codec = decoded_head(_first_line(raw), default)
    separators = _separators(text)
    return Head(separators, codec, tuple(text.split(separators.field)))


def head_for_answer(raw: bytes, default: str) -> Head | None:
    """Return a head to answer a refused message with, as far as it can be read; None if it cannot."""
    try:
        return head_of(raw, default)
    except BodyRefused:
        line = _first_line(raw)
        if raw[:3] != b"MSH" or not line.isascii():
            return None  # where its fields end is not known
    text = line.decode("ascii")
    try:
        separators = _separators(text)
    except BodyRefused:
        return None
    return Head(separators, "ascii", tuple(text.split(separators.field)))


def _first_line(raw: bytes) -> bytes:
    ends = [at for at in (raw.find(b"\r"), raw.find(b"\n")) if at >= 0]
    return raw[: min(ends, default=len(raw))]


def parse(raw: bytes, default: str = "GB18030") -> Message:
    """Return the message that `raw` holds, decoded by MSH-18 or, without it, by `default`.

    Raises:
        BodyRefused: no MSH, undecodable, control characters, unlawful segment names, too many parts.
    """
    head = head_of(raw, default)
    if len(raw.translate(None, _DELETE)) != len(raw):
        raise BodyRefused(path="$", why="a control character")
    text = decoded(raw, head.codec)
    if not text.isascii() and _may_hide(raw, head.codec) and not _C1.isdisjoint(text):
        raise BodyRefused(path="$", why="a control character")
    sep = head.separators
    if text.count(sep.field) + text.count(sep.component) + text.count(sep.repetition) > FIELDS:
        raise BodyRefused(path="$", why=f"over {FIELDS} fields")
    lines = _lines(text, sep)
    if len(lines) > SEGMENTS:
        raise BodyRefused(path="$", why=f"over {SEGMENTS} segments")
    for start in {line[:4] for line in lines[1:]}:
        if not lawful_name(start[:3]) or start[3:] not in (sep.field, ""):
            raise BodyRefused(path=_shown(start), why="not a segment")
        if start[:3] == "MSH":
            raise BodyRefused(path="MSH", why="a second message within one")
    return Message(head, lines)


# Where C1 controls and Unicode's line ends can only be: a look at the bytes is far quicker.
_STARTS = {"gb18030": (b"\x810", b"\x816"), "utf-8": (b"\xc2", b"\xe2\x80")}


def _may_hide(raw: bytes, codec: str) -> bool:
    starts = _STARTS.get(codec)
    return starts is None or any(start in raw for start in starts)


def render(message: Message) -> str:
    """Return the text of `message`: every segment ends with a carriage return."""
    return "\r".join(message.lines) + "\r"


@lru_cache(maxsize=512)
def lawful_name(name: str) -> bool:
    """Whether `name` may name a segment: a letter and two letters or digits, in upper case."""
    return (
        len(name) == 3
        and name.isascii()
        and name.isalnum()
        and name.isupper()
        and name[0].isalpha()
    )


def _lines(text: str, sep: Separators) -> list[str]:
    if "\n" in text:
        text = text.replace("\r\n", "\r")
        # A sender that knows no carriage return ends its segments with line feeds; any other line
        # feed is text, and stays text for a receiver that would take it for the end of a segment.
        text = text.replace("\n", f"{sep.escape}.br{sep.escape}" if "\r" in text else "\r")
    lines = text.split("\r")
    while lines and not lines[-1]:
        lines.pop()
    return [line for line in lines if line] if "" in lines else lines


def _separators(head: str) -> Separators:
    field = head[3:4]
    marks = head[4:].split(field, 1)[0] if field else ""
    if not (
        field in _MARKS
        and 4 <= len(marks) <= 5
        and _MARKS.issuperset(marks)
        and len({field, *marks}) == len(marks) + 1
    ):
        raise BodyRefused(path="MSH-2", why="not lawful separators")
    if field == "|" and marks == "^~\\&":
        return STANDARD
    return Separators(field, *marks)


def _shown(line: str) -> str:
    name = line[:3]
    return name if name.isascii() and name.isprintable() else "$"
