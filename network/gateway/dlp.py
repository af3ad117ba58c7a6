"""Personal numbers in any text: identity cards, telephone and bank card numbers, by their check digits.

Sources: GB 11643-1999 (identity number, ISO 7064 MOD 11-2), GB/T 2260 (province codes), the ITU numbering
plan of China (mobile 1[3-9], area codes), ISO/IEC 7812 (Luhn and issuer prefixes).
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from appliance.clock import now

Kind = Literal["id-card", "phone", "bank-card"]
KINDS: frozenset[str] = frozenset({"id-card", "phone", "bank-card"})
NOTHING: frozenset[str] = frozenset()

# One run holds at least ten digits, blanks or hyphens between them; measured 6 to 10 µs a KiB.
_RUN = re.compile(r"[0-9][0-9 -]{8,}[0-9Xx]")
# Digits as 1, the last sign of an identity number as X, the first byte of a digit, blank or dash that is
# not ASCII as W, all else as 0. Ten digits in a row are worth a look, and so is a W.
_CLASSES = bytes(
    next((mark for mark, members in ((0x31, b"0123456789"), (0x58, b"Xx"), (0x57, b"\xef\xe2\xc2\xe3\xe1"))
          if sign in members), 0x30)
    for sign in range(256)
)  # fmt: skip
_NINE = b"1" * 9
# The digits, blanks and dashes below, as UTF-8.
_ODD_BYTES = re.compile(
    rb"\xef\xbc[\x8d\x90-\x99]|\xe2\x80[\x82-\x8d\x90-\x95\xaf]|\xe2\x81[\x9f-\xa4]|\xe2\x88\x92"
    rb"|\xef\xbb\xbf|\xc2[\xa0\xad]|\xe3\x80\x80|\xe1\xa0\x8e"
)
_PIECE = re.compile(r"[0-9]+[Xx]?")
# Signs that are not seen at all: they are taken out, so that no number of them parts a number.
_UNSEEN = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e"
# Blanks and dashes that a reader takes for a blank and a hyphen, full-width digits.
_BLANKS = "\u00a0\u202f\u205f\u3000" + "".join(map(chr, range(0x2002, 0x200B)))
_DASHES = "\u2212\uff0d" + "".join(map(chr, range(0x2010, 0x2016)))
_DIGITS = (
    "０１２３４５６７８９"  # none beyond the first plane: such a class is twenty times as slow
)
_WIDE = re.compile(rf"[{_DIGITS}{_UNSEEN}{_BLANKS}{_DASHES}]")
_HIDDEN = re.compile(rf"[{_UNSEEN}]")
_NARROW = str.maketrans(
    "Ｘｘ" + _DIGITS + _BLANKS + _DASHES,
    "Xx" + "0123456789" + " " * len(_BLANKS) + "-" * len(_DASHES),
)
_LONGEST = 19  # digits of the longest card number
_MANY = 40  # pieces of one run; beyond it only pieces of three digits and more are put together

# GB/T 2260: the first two digits, by region of the country.
_PROVINCES = frozenset(
    f"{zone}{place}"
    for zone, places in {1: "12345", 2: "123", 3: "1234567", 4: "123456", 5: "01234", 6: "12345",
                         7: "1", 8: "123", 9: "1"}.items()
    for place in places
)  # fmt: skip
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID18 = re.compile(
    r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
)
_ID15 = re.compile(r"[1-9]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}")
_MOBILE = re.compile(r"(?:0?0?86)?1[3-9]\d{9}")
_LANDLINE = re.compile(r"(?:010|02[0-57-9])[2-8]\d{7}|0[3-9]\d{2}[2-8]\d{6,7}")
_CARD = re.compile(
    r"62\d{14,17}|60110\d{11,14}|955\d{13,16}|9\d{18}"  # UnionPay, older banks
    r"|4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}"  # Visa, Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"  # American Express, Diners Club
    r"|35\d{14}|(?:2131|1800)\d{11}|6(?:011|5\d\d)\d{12}"  # JCB, Discover
    r"|(?:5018|5020|5038|5[678]\d\d|6304|6759|676[123]|0604|6390)\d{8,15}"  # Maestro
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One personal number: its kind and where it stands, as character positions."""

    kind: Kind
    start: int
    end: int


def suspicious(data: bytes) -> bool:
    """Whether UTF-8 text can hold a personal number at all; for rendered text, without escapes."""
    classes = data.translate(_CLASSES, b" -")
    if _NINE in classes and (_NINE + b"1" in classes or _NINE + b"X" in classes):
        return True
    return b"W" in classes and _ODD_BYTES.search(data) is not None


def find(text: str, allowed: frozenset[str] = NOTHING) -> tuple[Hit, ...]:
    """Return the personal numbers in `text` that are of no `allowed` kind, from left to right."""
    plain, places = text, None
    if not text.isascii() and _WIDE.search(text):
        plain, places = _narrowed(text)
    hits: list[Hit] = []
    for run in _RUN.finditer(plain):
        found = _in_run(run.group(), run.start())
        if found and not _technical(plain, run.start(), run.end()):
            hits += found
    if places is not None:
        hits = [Hit(hit.kind, places[hit.start], places[hit.end - 1] + 1) for hit in hits]
    return tuple(hit for hit in hits if hit.kind not in allowed)


def _narrowed(text: str) -> tuple[str, list[int] | None]:
    """Return `text` in ASCII digits, blanks and hyphens, and where its signs stood if some went."""
    plain = text.translate(_NARROW)
    if not _HIDDEN.search(plain):
        return plain, None
    places = [at for at, sign in enumerate(plain) if sign not in _UNSEEN]
    return "".join(plain[at] for at in places), places


def summary(hits: Iterable[Hit]) -> str:
    """Return how many of each kind, as `id-card:2,phone:1`; empty for none."""
    counted = Counter(hit.kind for hit in hits)
    return ",".join(f"{kind}:{counted[kind]}" for kind in sorted(counted))


def _technical(text: str, start: int, end: int) -> bool:
    # Part of an OID, a decimal number or a hexadecimal digest: no person's number is written so.
    if text[max(0, start - 1) : start] == "." and text[max(0, start - 2) : start - 1].isdigit():
        return True
    if text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        return True
    return _hexadecimal(text[max(0, start - 8) : start][::-1]) or _hexadecimal(text[end : end + 8])


def _hexadecimal(beside: str) -> bool:
    word = re.match(r"[0-9A-Za-z]*", beside, re.ASCII)
    letters = word.group() if word else ""
    return bool(letters) and all(c in "abcdefABCDEF0123456789" for c in letters)


def _in_run(run: str, offset: int) -> list[Hit]:
    if run[:-1].isdigit():  # one piece, perhaps with the X of an identity number
        if len(run) == 14 and run[0] in "12":  # a timestamp of HL7, and no card begins so
            return []
        kind = kind_of(run)
        return [Hit(kind, offset, offset + len(run))] if kind else []
    return list(_put_together(run, offset))


def _put_together(run: str, offset: int) -> Iterator[Hit]:
    pieces = [(m.start(), m.end(), m.group()) for m in _PIECE.finditer(run)]
    least = 1 if len(pieces) <= _MANY else 3
    first = 0
    while first < len(pieces):
        found = _longest(pieces, first, least)
        if found is None:
            first += 1
            continue
        kind, last = found
        yield Hit(kind, offset + pieces[first][0], offset + pieces[last][1])
        first = last + 1


def _longest(pieces: list[tuple[int, int, str]], first: int, least: int) -> tuple[Kind, int] | None:
    """Return kind and last piece of the longest number that starts with piece `first`."""
    found: tuple[Kind, int] | None = None
    number = ""
    before = pieces[first][0]
    for last in range(first, len(pieces)):
        start, end, digits = pieces[last]
        joins = start - before <= 1 and (last == first or len(digits) >= least)
        if not joins or len(number) + len(digits) > _LONGEST:
            break
        number, before = number + digits, end
        kind = kind_of(number) if len(number) >= 10 else None
        if kind is not None:
            found = (kind, last)
    return found


def kind_of(number: str) -> Kind | None:
    """Return what personal number the digits `number` are as a whole, or None."""
    if _id_card(number):
        return "id-card"
    if _MOBILE.fullmatch(number) or _LANDLINE.fullmatch(number):
        return "phone"
    if _CARD.fullmatch(number) and luhn(number):
        return "bank-card"
    return None


def _id_card(number: str) -> bool:
    if number[:2] not in _PROVINCES:
        return False
    if _ID18.fullmatch(number):
        return _born(number[6:14]) and number[17].upper() == check_digit(number)
    return bool(_ID15.fullmatch(number)) and _born("19" + number[6:12])


def _born(digits: str) -> bool:
    try:
        day = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return day <= now().date()


def check_digit(number: str) -> str:
    """Return the last character of an identity number from its first 17 digits (GB 11643)."""
    total = sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11]


def luhn(number: str) -> bool:
    """Whether the check digit of a card number holds (ISO/IEC 7812-1, annex B)."""
    if not number.isdigit():
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
