"""Reading what the gateway did: transfers and proofs."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.tables import Proof, Transfer


@dataclass(frozen=True)
class Wanted:
    """Which transfers, newest first: every part given narrows it."""

    channel: str | None = None
    verdict: str | None = None
    state: str | None = None
    before: int | None = None
    limit: int = 100


def transfers(session: Session, wanted: Wanted) -> list[Transfer]:
    """Return the transfers that are wanted."""
    query = select(Transfer).order_by(Transfer.number.desc()).limit(wanted.limit)
    for name in ("channel", "verdict", "state"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(Transfer, name) == value)
    if wanted.before is not None:
        query = query.where(Transfer.number < wanted.before)
    return list(session.scalars(query))


def proofs(session: Session, limit: int = 100) -> list[Proof]:
    """Return the proofs, newest first."""
    return list(session.scalars(select(Proof).order_by(Proof.at.desc()).limit(limit)))


def proof(session: Session, proof_id: str) -> Proof:
    """Return one proof; raise `NotFound`."""
    found = session.get(Proof, proof_id)
    if found is None:
        raise NotFound(what="证明 proof", name=proof_id)
    return found
