"""How much of the crash matrix one run tries: a sample chosen by `HBOX_CRASH_SEED`, or with `HBOX_CRASH=all` all of it."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

ALL = os.environ.get("HBOX_CRASH") == "all"
SEED = os.environ.get("HBOX_CRASH_SEED", "1")

Point = TypeVar("Point")


def sample(points: Sequence[Point], count: int, of: str) -> list[Point]:
    """Return `count` of the points in their order, the same ones for the same seed and `of`; else all."""
    if ALL or len(points) <= count:
        return list(points)
    chance = random.Random(f"{SEED} {of}")  # noqa: S311 - a sample, not a secret
    return [points[at] for at in sorted(chance.sample(range(len(points)), count))]
