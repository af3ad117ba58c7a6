"""Reading accounts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.records.tables import Account


def many(session: Session) -> list[Account]:
    """Return the accounts by name."""
    return list(session.scalars(select(Account).order_by(Account.name)))
