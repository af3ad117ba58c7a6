"""What was found and done while one message was read: the counts that its journal record states."""

import codecs
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from network.gateway import dlp, inert, masks
from network.gateway.exact import Fraction
from network.gateway.refusals import BodyRefused

for _codec in ("utf-16", "gb18030"):
    codecs.lookup(_codec)  # now: later the guard may open no file to find it in

Carries = Callable[[dict[str, object], "Allowed"], "Allowed"]


@dataclass(frozen=True)
class Allowed:
    """Which personal numbers may stand at a place, and below it by name; lists do not count."""

    kinds: frozenset[str] = dlp.NOTHING
    below: dict[str, "Allowed"] = field(default_factory=dict)


NONE_ALLOWED = Allowed()


@dataclass
class Findings:
    """Grows while a message is read. `attachments` are the decoded files in it.

    `keys` counts the keys of what was read whole; with it a doubled key is found. `parted` are personal
    numbers that only a reader of a narrative sees.
    """

    keys: int = 0
    masked: int = 0
    inert: int = 0
    hits: list[dlp.Hit] = field(default_factory=list)
    attachments: list[bytes] = field(default_factory=list)
    parted: list[tuple[dlp.Hit, str]] = field(default_factory=list)

    def harmless(self, text: str) -> str:
        """Return free text with its markup made harmless, and count it."""
        if "<" not in text and ":" not in text and text.isprintable():
            return text
        made, count = inert.text(text)
        if count:
            self.inert += 1
        return made

    def read(self, words: str, told: str) -> None:
        """Note the personal numbers that stand in `words`, as a reader sees them, and not in `told`."""
        if not words or not dlp.suspicious(words.encode()):
            return
        there = {told[hit.start : hit.end] for hit in dlp.find(told)}
        seen = ((hit, words[hit.start : hit.end]) for hit in dlp.find(words))
        self.parted += [(hit, number) for hit, number in seen if number not in there]

    @property
    def found(self) -> str:
        """The personal numbers where none was declared, as `id-card:2,phone:1`."""
        return dlp.summary(self.hits) if self.hits else ""


@dataclass(frozen=True)
class Search:
    """Looks through a whole message for personal numbers where none is declared.

    `at` gives what an object allows: a message may hold resources of several types. With `mask`
    they are masked where they stand; without, only counted. `codes` gives the numbers that a message
    itself says to be codes: those are nobody's.
    """

    findings: Findings
    mask: bool
    at: Carries = lambda _value, allowed: allowed
    codes: Callable[[object], Iterable[str]] = lambda _: ()
    known: set[str] = field(default_factory=set)

    def message(self, value: dict[str, object], allowed: Allowed) -> None:
        """Look through a whole message."""
        self.known.update(self.codes(value))
        self.parts(value, allowed)

    def parts(self, value: dict[str, object], allowed: Allowed) -> None:
        """Look through `value` and all in it."""
        allowed = self.at(value, allowed)
        for name, item in value.items():
            made = self._value(item, allowed.below.get(name, NONE_ALLOWED))
            if made is not item:
                value[name] = made

    def _value(self, item: object, allowed: Allowed) -> object:
        if isinstance(item, str):
            return self.text(item, allowed.kinds)
        if isinstance(item, dict):
            self.parts(item, allowed)
        elif isinstance(item, list):
            item[:] = [self._value(child, allowed) for child in item]
        elif isinstance(item, int | Fraction) and not isinstance(item, bool):
            self._number(item, allowed.kinds)
        return item

    def text(self, text: str, kinds: frozenset[str]) -> str:
        """Count, and mask if so wished, what stands in `text` beyond `kinds`."""
        if len(text) < 10:
            return text
        hits = [h for h in dlp.find(text, kinds) if text[h.start : h.end] not in self.known]
        if not hits:
            return text
        self.findings.hits += hits
        if not self.mask:
            return text
        self.findings.masked += 1
        return masks.numbers(text, [(hit.kind, hit.start, hit.end) for hit in hits])

    def _number(self, item: int | Fraction, kinds: frozenset[str]) -> None:
        digits = str(item) if isinstance(item, int) else bytes(item).decode()
        hits = dlp.find(digits, kinds)
        if hits and self.mask:
            raise BodyRefused(path="$", why=f"a personal number ({hits[0].kind}) as a number")
        self.findings.hits += hits


def readable(data: bytes) -> str:
    """Return a decoded file as text; an empty one when it is no text, or holds no long number."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16", "replace")
    if not dlp.suspicious(data):
        return ""
    for charset in ("utf-8", "gb18030"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return ""


def looked_through(search: Search, value: dict[str, object]) -> None:
    """Count the personal numbers that only a reader sees, but for those that are codes in `value`.

    Raises:
        BodyRefused: there is one, and it would have to be masked.
    """
    codes = set(search.codes(value))
    hits = [hit for hit, number in search.findings.parted if number not in codes]
    if hits and search.mask:
        raise BodyRefused(path="$", why=f"a personal number ({hits[0].kind}) parted by markup")
    search.findings.hits += hits


def looked_into(findings: Findings, *, mask: bool) -> None:
    """Look for personal numbers in attachments that are text; what is encoded cannot be masked.

    Raises:
        BodyRefused: there is one, and it would have to be masked.
    """
    for data in findings.attachments:
        hits = dlp.find(readable(data))
        if hits and mask:
            raise BodyRefused(path="$", why=f"a personal number ({hits[0].kind}) in an attachment")
        findings.hits += hits
