"""What may be asked of the box: an action names its roles, locks, audit sentence and preconditions."""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self

from sqlalchemy.orm import Session

from appliance.errors import BadInput, Text
from controller.actions import places
from controller.actions.rights import Need, Right


class Role(StrEnum):
    """Who a person is to the box. The three administrators exclude each other (三权分立).

    A tenant may nothing by its role alone: its grants say what, and where.
    """

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"
    VENDOR = "vendor"
    AUDITOR = "auditor"
    TENANT = "tenant"


OWNERS = frozenset({Role.SYSTEM, Role.TENANT})
"""Who may ask for what happens to machines and volumes: the system administrator, or who was granted it."""


@dataclass(frozen=True)
class Action:
    """Base of all actions. Fields are str, int or bool only: they are the job row's JSON.

    Life of an action: `check` (may this be asked now?) and `wish` (write the wished state, take
    addresses) run in the submitting transaction; `ready` runs in the worker, which trusts nothing
    that it has not derived again from the records; `forget` runs in the transaction that ends the
    job without success. Constructing an action checks its fields (`sound`), on both sides.

    Who asks needs one of `roles`. Whoever is limited (a tenant to its grants, an API token to its
    path) also needs `right` on the object; with `by_token` False it takes the person, no token.
    """

    kind: ClassVar[str]
    roles: ClassVar[frozenset[Role]]
    sentence: ClassVar[Text]
    right: ClassVar[Right] = Right.MANAGE
    by_token: ClassVar[bool] = True
    by_another: ClassVar[bool] = False  # nobody may ask it of their own account
    hidden: ClassVar[frozenset[str]] = frozenset()  # fields that the job's readers are not shown

    def __post_init__(self) -> None:
        self.sound()

    def sound(self) -> None:
        """Raise `BadInput` if a field can never be right, whatever the records say."""

    @property
    def object(self) -> str:
        """What it acts on, as `noun/id`, for the audit entry."""
        raise NotImplementedError

    def needs(self, session: Session) -> tuple[Need, ...]:
        """What somebody with limits must have: which right, on an object that lies where."""
        return (Need(self.right, places.of(session, self.object)),)

    def locks(self) -> tuple[str, ...]:
        """Names of the resources that no other job may hold meanwhile."""
        return (self.object,)

    def check(self, session: Session) -> None:
        """Raise a `Conflict`, `NotFound` or `BadInput` if it cannot be asked now."""

    def wish(self, session: Session, job_id: str) -> None:
        """Record the wished state before the deed, in the same transaction as the job row."""

    def ready(self, session: Session, job_id: str) -> None:
        """Raise a `Conflict` unless it may be done now and the records hold what `wish` wrote.

        Asked when a worker first claims the job, not when it resumes one. Who wishes nothing is
        checked again as it was on submission.
        """
        self.check(session)

    def forget(self, session: Session, job_id: str) -> None:
        """Take the wish back: this job was refused, cancelled or undone. Safe to call twice."""

    def title(self) -> Text:
        """The audit sentence, filled with the action's fields."""
        return self.sentence.filled(asdict(self))

    def titled(self, session: Session) -> Text:
        """The sentence as a job shows it: where there are names for ids, with the names."""
        del session
        return self.title()

    def audited(self) -> dict[str, Any]:
        """What the audit entry says besides who, what, on which and when; never a secret.

        The names `job`, `sha256` and `via` are the entry's own.
        """
        return {}

    def as_json(self) -> dict[str, Any]:
        """The action's fields for the job row."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Build the action from a job row; missing, unknown or wrongly typed fields raise `BadInput`."""
        known = {f.name: f.type for f in fields(cls)}
        if set(raw) != set(known):
            raise BadInput(what=cls.kind, why="fields do not match the action")
        for name, value in raw.items():
            if type(value).__name__ not in str(known[name]):
                raise BadInput(what=f"{cls.kind}.{name}", why=f"expected {known[name]}")
        return cls(**raw)
