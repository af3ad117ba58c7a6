"""Reads the copier's account: how much of the audit chain lies on each other node, and how old the rest is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from compliance.answers import days
from compliance.questions import command, sql

NOTE = command("sh", "-c", "cat /var/lib/hbox/worker/copies.json 2>/dev/null || true")
"""What the copier wrote down: `{node: number of the last audit entry in its copy}`."""

HOURS = sql(
    "SELECT substr(at, 1, 13) AS hour, MAX(number) AS number FROM audit "
    "GROUP BY substr(at, 1, 13) ORDER BY MAX(number) DESC LIMIT 200"
)
"""The last audit entry of each hour (UTC) in which there was one, newest first; 200 hours are more than a week."""


def noted(text: str) -> dict[str, int]:
    """Return the copier's account; without one, or with one of another form, no node has a copy."""
    try:
        held = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(held, dict):
        return {}
    return {name: entry for name, entry in held.items() if type(entry) is int and entry > 0}


def behind(entry: int, hours: Sequence[Mapping[str, Any]], now: str) -> float | None:
    """Return for how many days a copy up to `entry` has lacked something: 0.0 when it lacks nothing.

    None where the account cannot be true: it tells of an entry that the chain does not have.
    """
    if not hours or entry > max(row["number"] for row in hours):
        return None
    lacking = [row["hour"] for row in hours if row["number"] > entry]
    # The hour's first minute: at most an hour more than it is.
    return max(0.0, days(now, f"{min(lacking)}:00:00+00:00")) if lacking else 0.0
