"""The person on whose behalf something is asked: one account, one role, one way in."""

from dataclasses import dataclass

from controller.actions.base import Role


@dataclass(frozen=True)
class Principal:
    """Who asks. `via` says how they came in, for the audit entry ("console 10.0.0.7", "socket uid 0")."""

    account_id: str
    name: str
    role: Role
    vendor: str = ""
    via: str = ""
