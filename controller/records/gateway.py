"""Reading what the gateway did: transfers, found by any of their properties; proofs."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.exchange import JournalIndex, Proof, Transfer
from controller.records.tables import Module, Vm

_SAME = ("channel", "verdict", "state", "direction", "data_class", "kind", "rule", "delivery")


@dataclass(frozen=True)
class Wanted:
    """Which transfers, newest first: every part given narrows it.

    `who` is the sender's address or the name of a machine or module; `since` and `until` are RFC 3339
    in UTC; `slower` counts milliseconds; `text` stands anywhere in rule or note; `personal` asks for
    messages in which a personal number was found where none is declared.
    """

    channel: str | None = None
    verdict: str | None = None
    state: str | None = None
    direction: str | None = None
    data_class: str | None = None
    kind: str | None = None
    rule: str | None = None
    delivery: str | None = None
    who: str | None = None
    since: str | None = None
    until: str | None = None
    slower: float | None = None
    text: str | None = None
    personal: bool = False
    before: int | None = None
    limit: int = 100


def transfers(session: Session, wanted: Wanted) -> list[Transfer]:
    """Return the transfers that are wanted."""
    query = select(Transfer).order_by(Transfer.number.desc()).limit(wanted.limit)
    return list(session.scalars(narrowed(session, query, wanted)))


def narrowed(session: Session, query: Select[Transfer], wanted: Wanted) -> Select[Transfer]:
    """Return `query` with the conditions of `wanted`."""
    for name in _SAME:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(Transfer, name) == value)
    if wanted.who is not None:
        query = query.where(Transfer.peer.in_(addresses(session, wanted.who)))
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None and value is not False:
            query = query.where(condition(value))
    return query


def addresses(session: Session, who: str) -> list[str]:
    """Return the addresses of a machine or module of that name; `who` itself if there is none."""
    named = select(Vm.address).where(Vm.name == who)
    module = select(Vm.address).join(Module, Module.vm_id == Vm.id).where(Module.id == who)
    return [*session.scalars(named), *session.scalars(module)] or [who]


def names(session: Session) -> dict[str, str]:
    """Return what is known by each address: the module there, else the machine."""
    rows = session.execute(
        select(Vm.address, Vm.name, Module.id).join(Module, Module.vm_id == Vm.id, isouter=True)
    )
    return {address: module or machine for address, machine, module in rows}


def one(session: Session, number: int) -> Transfer:
    """Return one transfer; raise `NotFound`."""
    found = session.get(Transfer, number)
    if found is None:
        raise NotFound(what="传输 transfer", name=number)
    return found


def index_of(session: Session) -> JournalIndex | None:
    """Return how far the index of the journal came, None before the first record."""
    return session.get(JournalIndex, 1)


def paused(session: Session) -> frozenset[str]:
    """Return the channels that an operator paused."""
    row = index_of(session)
    return frozenset(row.paused if row else ())


def proofs(session: Session, limit: int = 100) -> list[Proof]:
    """Return the proofs, newest first."""
    return list(session.scalars(select(Proof).order_by(Proof.at.desc()).limit(limit)))


def proof(session: Session, proof_id: str) -> Proof:
    """Return one proof; raise `NotFound`."""
    found = session.get(Proof, proof_id)
    if found is None:
        raise NotFound(what="证明 proof", name=proof_id)
    return found


def _says(text: str) -> ColumnElement[bool]:
    return or_(
        Transfer.rule.contains(text, autoescape=True), Transfer.note.contains(text, autoescape=True)
    )


# One line per condition that is not plain equality.
_CONDITIONS: dict[str, Callable[..., ColumnElement[bool]]] = {
    "since": lambda value: Transfer.at >= value,
    "until": lambda value: Transfer.at < value,
    "slower": lambda value: Transfer.latency_ms > value,
    "text": _says,
    "personal": lambda _value: Transfer.found != "",
    "before": lambda value: Transfer.number < value,
}
