"""The form of a job's work: an ordered list of steps, each with its reverse."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import Text

Say = Callable[[str], None]
"""Writes one line into the job's log; never give it a secret."""


def nothing(_say: Say) -> None:
    """The reverse of a step that leaves no effect behind."""


@dataclass(frozen=True)
class Step:
    """One step. `do` and `undo` are both idempotent: after a crash they run again from the start.

    `do` brings its effect about or finds it already there; `undo` takes it away or finds it gone,
    also when `do` was cut off half-way. A step's list is the same each time it is derived from the
    same action, so a resumed job knows where it was.
    """

    key: str
    title: Text
    do: Callable[[Say], None]
    undo: Callable[[Say], None] = nothing
