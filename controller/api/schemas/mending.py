"""Mending, in and out of the API: remedies, what was mended, what is asked."""

from typing import Annotated

from pydantic import Field

from compliance.remedies.model import Remedy
from controller.actions.mending import LIMIT
from controller.api.schemas.base import In, Out, TextOut


class RemedyOut(Out):
    """What mends a check's finding. Without a remedy `id` is empty and `text` says what a person does.

    `lockout` is the way in that it could close: ssh, pam, network, or empty.
    """

    check: str
    id: str
    text: TextOut
    safe: bool
    lockout: str
    surface: list[str]

    @classmethod
    def of(cls, check: str, one: Remedy) -> "RemedyOut":
        """Return the API's form of a remedy for one check."""
        way = str(one.lockout) if one.lockout else ""
        return cls(
            check=check,
            id=one.id,
            text=TextOut.of(one.text),
            safe=one.safe,
            lockout=way,
            surface=[*one.paths, *one.units],
        )


class MendingIn(In):
    """What to mend: remedies or checks by name, or all safe ones of the last run's findings, or both.

    `node` empty: the home node. `seconds`: so long may a change that could lock people out stay unconfirmed.
    """

    node: str = Field(default="", max_length=64)
    remedies: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=80
    )
    safe: bool = False
    dry_run: bool = False
    seconds: int = LIMIT


class UndoIn(In):
    """How to take a mending back: with `force` also over what was changed since."""

    force: bool = False
    seconds: int = LIMIT


class MendingOut(Out):
    """A mending: `changed` says which paths and how, `verdicts` each check's verdict before and after.

    `undone_by` is the number of the job that took it back, 0 for none.
    """

    id: str
    number: int
    node: str
    remedies: list[str]
    actor: str
    at: str
    changed: dict[str, str]
    verdicts: dict[str, list[str]]
    diff: str
    undone_by: int
