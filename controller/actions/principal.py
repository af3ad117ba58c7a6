"""The person on whose behalf something is asked: one account, one role, one way in."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from controller.actions.base import Action, Role
from controller.actions.rights import ROOT, Limits, Need, Right, covered

SEPARATOR = "/"  # between account and token in an actor's name; neither may hold it


@dataclass(frozen=True)
class Principal:
    """Who asks. `via` says how they came in, for the audit entry ("console 10.0.0.7", "socket uid 0").

    `token` is the name of the API token they came in by ("": themselves). `limits` narrow what the
    role may; there are none for a person with a role of its own.
    """

    account_id: str
    name: str
    role: Role
    vendor: str = ""
    via: str = ""
    token: str = ""
    limits: Limits = ()

    @property
    def actor(self) -> str:
        """Who acts, as rows and audit entries say it: the account, and the token where there is one."""
        return f"{self.name}{SEPARATOR}{self.token}" if self.token else self.name

    @property
    def bounds(self) -> Limits:
        """The limits that hold: the role tenant by itself may nothing."""
        return self.limits or (((),) if self.role is Role.TENANT else ())

    def reaches(self, *needs: Need) -> bool:
        """Whether the limits leave room for all of `needs`."""
        return covered(self.bounds, needs)

    def everywhere(self, right: Right = Right.VIEW) -> bool:
        """Whether `right` is theirs on the whole box, as far as the limits go."""
        return self.reaches(Need(right, (ROOT,)))

    def may(self, session: Session, action: Action) -> bool:
        """Whether role and limits let them ask for `action`, as the records are now."""
        if self.role not in action.roles or (self.token and not action.by_token):
            return False
        if action.by_another and action.object == f"account/{self.name}":
            return False
        return not self.bounds or self.reaches(*action.needs(session))
