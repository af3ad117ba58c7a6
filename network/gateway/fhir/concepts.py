"""SNOMED CT concepts of a message: numbers that look like old identity cards, and are none.

A concept's id ends in a partition and a check digit (Verhoeff; SNOMED CT Release File Specifications,
5.5). A number that the message itself gives as such a concept is no person's, wherever it stands in it.
"""

from collections.abc import Iterator

SYSTEM = "http://snomed.info/sct"
_PARTITIONS = frozenset({"00", "10"})  # concepts, of the core and of an extension
# The dihedral group D5 and the permutation of Verhoeff's scheme (J. Verhoeff, 1969).
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURN = "1576283094"


def _turned() -> tuple[str, ...]:
    rows = ["0123456789"]
    for _ in range(7):
        rows.append("".join(rows[-1][int(digit)] for digit in _TURN))
    return tuple(rows)


_TURNS = _turned()


def is_concept(number: str) -> bool:
    """Whether `number` has the form and the check digit of a SNOMED CT concept."""
    lawful = 6 <= len(number) <= 18 and number.isascii() and number.isdigit()
    if not lawful or number[-3:-1] not in _PARTITIONS:
        return False
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = int(_TIMES[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def concepts(value: object) -> Iterator[str]:
    """Yield the concepts that `value` names, each beside its system."""
    if isinstance(value, dict):
        code = value.get("code")
        if value.get("system") == SYSTEM and isinstance(code, str) and is_concept(code):
            yield code
        for item in value.values():
            yield from concepts(item)
    elif isinstance(value, list):
        for item in value:
            yield from concepts(item)
