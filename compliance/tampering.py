"""Alters a copy of the audit chain in memory, one way after another, and says whether each was noticed.

    python -I -m compliance.tampering

Nothing is written anywhere: what is altered is what was read. Prints JSON: entries, tried, unnoticed.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace

from appliance.audit import ChainBroken, Entry, verify
from appliance.settings import Settings, load
from compliance.records import RecordsUnread, values

_QUERY = "SELECT number, at, actor, role, act, object, detail, outcome, previous, hash FROM audit ORDER BY number"


def altered(entries: list[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Yield ways in which somebody could want the chain otherwise, each with the chain as it would be."""
    middle = len(entries) // 2
    one = entries[middle]
    others = {
        "actor": replace(one, actor="nobody"),
        "outcome": replace(one, outcome="other"),
        "at": replace(one, at="2000-01-01T00:00:00+00:00"),
    }
    for name, other in others.items():
        yield name, [*entries[:middle], other, *entries[middle + 1 :]]
    if len(entries) > 2:
        yield "cut", [*entries[: middle - 1], *entries[middle:]]
        yield "order", [*entries[: middle - 1], one, entries[middle - 1], *entries[middle + 1 :]]


def examine(settings: Settings) -> dict[str, object]:
    """Return how many entries there are, what was tried and what went unnoticed; raises `RecordsUnread`."""
    entries = [Entry(*row) for row in values(settings, _QUERY)]
    tried, unnoticed = [], []
    for name, chain in altered(entries) if entries else ():
        tried.append(name)
        try:
            verify(chain)
        except ChainBroken:
            continue
        unnoticed.append(name)
    return {"entries": len(entries), "tried": tried, "unnoticed": unnoticed}


def main() -> int:
    """Print the finding; exit 1 when something went unnoticed, 2 when the records could not be read."""
    try:
        found = examine(load())
    except (RecordsUnread, TypeError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if found["unnoticed"] else 0


if __name__ == "__main__":
    sys.exit(main())
