"""Reading people's part: which objects there are, statements and waivers by place, choices, the schedule."""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.canonical import canonical, digest
from appliance.errors import NotFound
from compliance.given import Foreign
from compliance.model import Kind, Subject
from compliance.questionnaire import ALWAYS
from controller.records.assessment import (
    ComplianceChoice,
    ComplianceStatement,
    ComplianceWaiver,
    ForeignObject,
)
from controller.records.tables import Node, Vm

Paper = ComplianceStatement | ComplianceWaiver
Row = TypeVar("Row", ComplianceStatement, ComplianceWaiver)

HELD = ("asked", "approved")
"""States of a paper that is neither replaced nor withdrawn."""

_GUEST = "虚拟机内的系统 the system inside a virtual machine"
SCHEDULE = "schedule"
FORMER = "former"


@dataclass(frozen=True)
class Schedule:
    """Every how many days a run is made (0: never), at which hour in Beijing time, and who wished it."""

    days: int = 0
    hour: int = 0
    by: str = ""


def subjects(session: Session) -> list[Subject]:
    """Return the box's own objects: host and hypervisor of each node, and what every box has."""
    names = session.scalars(select(Node.name).order_by(Node.home.desc(), Node.name)).all()
    of_nodes = [Subject(kind, name) for name in names for kind in (Kind.HOST, Kind.HYPERVISOR)]
    return [*of_nodes, *ALWAYS]


def foreign(session: Session) -> list[Foreign]:
    """Return the objects beside the box, by kind and name."""
    rows = session.scalars(select(ForeignObject).order_by(ForeignObject.ref))
    return [
        Foreign(Kind(row.kind), row.name, row.what, row.maker, row.place, tuple(row.applies_to))
        for row in rows
    ]


def guests(session: Session) -> list[Foreign]:
    """Return the systems inside the box's machines, by name: hosts of their own, which no check enters."""
    rows = session.scalars(select(Vm).order_by(Vm.name))
    return [Foreign(Kind.HOST, f"vm-{row.name}"[:63], _GUEST, place=row.node) for row in rows]


def unentered(session: Session) -> list[Foreign]:
    """Return all objects that are people's alone to judge: those beside the box, and its machines' guests.

    One that was entered under the name of a node that joined later is the box's own by then.
    """
    own = set(subjects(session))
    typed_in = [one for one in foreign(session) if one.subject not in own]
    known = {one.subject for one in typed_in}
    return [*typed_in, *(one for one in guests(session) if one.subject not in known)]


def subject(text: str) -> Subject:
    """Return the object that `kind:name` stands for; raise `NotFound`."""
    kind, _, name = text.partition(":")
    if kind not in tuple(Kind) or not name:
        raise NotFound(what="测评对象 object", name=text[:80])
    return Subject(Kind(kind), name)


def statements(session: Session, *, all_of_them: bool = False) -> list[ComplianceStatement]:
    """Return the statements that hold or wait, or every one ever made, newest first."""
    return _papers(session, ComplianceStatement, all_of_them=all_of_them)


def waivers(session: Session, *, all_of_them: bool = False) -> list[ComplianceWaiver]:
    """Return the waivers that hold or wait, or every one ever made, newest first."""
    return _papers(session, ComplianceWaiver, all_of_them=all_of_them)


def statement(session: Session, name: str) -> ComplianceStatement:
    """Return one statement; raise `NotFound`."""
    return _paper(session, ComplianceStatement, name, "人员记录 statement")


def waiver(session: Session, name: str) -> ComplianceWaiver:
    """Return one waiver; raise `NotFound`."""
    return _paper(session, ComplianceWaiver, name, "豁免 waiver")


def beside(session: Session, row: Paper) -> list[Paper]:
    """Return the papers of its kind on its item and object that hold or wait, newest first."""
    waived = isinstance(row, ComplianceWaiver)
    held: list[Paper] = [*waivers(session)] if waived else [*statements(session)]
    return [one for one in held if (one.item, one.subject) == (row.item, row.subject)]


def content(row: Paper) -> dict[str, Any]:
    """Return what is approved: the paper without its approval and its state."""
    shared = {
        name: getattr(row, name) for name in ("id", "item", "subject", "asked_by", "asked_at")
    }
    if isinstance(row, ComplianceWaiver):
        return {**shared, "reason": row.reason, "measure": row.measure, "expires": row.expires}
    own = {name: getattr(row, name) for name in ("verdict", "record", "review_by", "attachments")}
    return {**shared, **own}


def content_digest(row: Paper) -> str:
    """SHA-256 of what is approved."""
    return digest(canonical(content(row)))


def choices(session: Session) -> dict[str, ComplianceChoice]:
    """Return the choices by key, the schedule among them."""
    return {row.key: row for row in session.scalars(select(ComplianceChoice))}


def schedule(session: Session) -> Schedule:
    """Return the schedule; without one, or with one that cannot be read, there is none."""
    row = session.get(ComplianceChoice, SCHEDULE)
    try:
        days, hour = (int(part) for part in row.value.split()) if row is not None else (0, 0)
    except ValueError:
        return Schedule()
    return Schedule(days, hour, row.set_by if row is not None else "")


def _papers(session: Session, kind: type[Row], *, all_of_them: bool = False) -> list[Row]:
    query = select(kind).order_by(kind.asked_at.desc())
    return list(session.scalars(query if all_of_them else query.where(kind.state.in_(HELD))))


def _paper(session: Session, kind: type[Row], name: str, what: str) -> Row:
    found = session.get(kind, name)
    if found is None:
        raise NotFound(what=what, name=name)
    return found
