"""The first accounts of a box: three administrators, one role each, each with a one-time code."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.secret import Secret
from controller.access.passwords import hashed
from controller.actions.base import Role
from controller.records import audit
from controller.records.tables import Account


@dataclass(frozen=True)
class First:
    """An account that every box is born with, and the local shell user that maps to it."""

    name: str
    role: Role
    unix_user: str


ADMINISTRATORS = (
    First("sysadmin", Role.SYSTEM, "hbox-sys"),
    First("secadmin", Role.SECURITY, "hbox-sec"),
    First("audadmin", Role.AUDIT, "hbox-aud"),
)


def ensure_administrators(session: Session) -> dict[str, Secret]:
    """Make those of the three administrators that are missing; return their one-time codes by name."""
    codes: dict[str, Secret] = {}
    for first in ADMINISTRATORS:
        if session.scalar(select(Account.id).where(Account.name == first.name)) is not None:
            continue
        code = Secret(chance.spoken_code())
        session.add(
            Account(
                id=chance.new_id(),
                name=first.name,
                role=str(first.role),
                unix_user=first.unix_user,
                code_hash=hashed(code),
                created_at=clock.iso(),
            )
        )
        act = audit.entry(
            "firstboot", "system", "account.add", on=f"account/{first.name}", outcome="done"
        )
        audit.append(session, act)
        codes[first.name] = code
    return codes
