"""Masking profiles for single values, after the de-identification examples of GB/T 39725-2020, annex G.

Each profile takes the text of one field and returns what may be shown of it. Dates stay valid dates,
both as FHIR (`1990-03-07`) and as HL7 v2 (`19900307`) write them. What is masked already stays as it
is: a stored message may be held against its channel twice.
"""

import re
from collections.abc import Callable

STAR = "*"
_HL7_DATE = re.compile(r"(\d{4})\d{0,10}([.+-].*)?")
_FHIR_DATE = re.compile(r"(\d{4})(-\d{2}){0,2}(T.*)?")
# Names of places only: what stands behind a road or a number is no city, though it be called 都市花园.
_PLACE = r"[^\W\d_路街巷号弄村镇乡栋楼]"
_TOWN = re.compile(
    rf"{_PLACE}{{2,8}}?(?:省|市|自治区|特别行政区)(?:{_PLACE}{{1,8}}?(?:市|自治州|盟|地区|区|县))?"
)


def _name(value: str) -> str:
    """The surname alone is kept: 张三 becomes 张*; a western name keeps its first letter."""
    bare = value.strip()
    if not bare:
        return value
    return bare[0] + STAR * (2 if bare[0].isascii() else min(len(bare) - 1, 2))


def _ends(head: int, tail: int) -> Callable[[str], str]:
    def keep(value: str) -> str:
        if len(value) <= head + tail:
            return STAR * len(value)
        return value[:head] + STAR * (len(value) - head - tail) + (value[-tail:] if tail else "")

    return keep


def _address(value: str) -> str:
    """Province and city are kept, street and number are not."""
    town = _TOWN.match(value)
    return (town.group() if town else value[:2]) + STAR * 3


def _birth_year(value: str) -> str:
    """The year alone is kept, in the form that the field had."""
    if _FHIR_DATE.fullmatch(value) and "-" in value:
        return value[:4]
    found = _HL7_DATE.fullmatch(value)
    return found.group(1) if found else ""


def _mail(value: str) -> str:
    name, at, domain = value.partition("@")
    return name[:1] + STAR * 3 + at + domain if at else STAR * 3


PROFILES: dict[str, Callable[[str], str]] = {
    "name": _name,
    "id-card": _ends(6, 0),  # the region stays; date of birth, order and check digit do not
    "phone": _ends(3, 4),
    "bank-card": _ends(6, 4),
    "address": _address,
    "birth-year": _birth_year,
    "mail": _mail,
    "record-number": _ends(0, 4),
    "all": lambda value: STAR * min(len(value), 8),
}
"""Profile by name: what annex G calls 姓名, 身份证件号码, 联系电话, 银行卡号, 地址, 出生日期, 电子邮箱, 病案号."""


def known(profile: str) -> bool:
    """Whether there is such a profile; an empty name means no mask."""
    return not profile or profile in PROFILES


def apply(profile: str, value: str) -> str:
    """Return what `profile` leaves of `value`; raises `KeyError` for an unknown profile."""
    return PROFILES[profile](value)


def numbers(value: str, places: list[tuple[str, int, int]]) -> str:
    """Mask personal numbers where they stand: `places` are (kind, start, end), in order."""
    made, at = [], 0
    for kind, start, end in places:
        made += [value[at:start], PROFILES[kind](value[start:end])]
        at = end
    return "".join([*made, value[at:]])
