"""The tables of people's part in the level-3 inspection: statements, foreign objects, waivers, choices.

All are written by the worker alone. `seal` is its signature over what was approved (`controller.workers.papers`):
a row that somebody else wrote has none that holds, and counts as not approved.
"""

from typing import Any

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.records.tables import Base


class ComplianceStatement(Base):
    """A person's judgement of one item on one object (`compliance.given.Statement`); none is ever removed.

    `state`: asked (waits for its approval), approved, replaced (a later one was approved or asked for),
    withdrawn. `attachments`: {name, size in bytes, sha256}; the files lie under `attachments/` by their digest.
    `digest` is the SHA-256 of what is approved, `comment` says why it was withdrawn.
    """

    __tablename__ = "compliance_statements"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    item: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(128))
    verdict: Mapped[str] = mapped_column(String(16))
    record: Mapped[str] = mapped_column(Text)
    review_by: Mapped[str] = mapped_column(String(10))
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[str] = mapped_column(String(40))
    approved_by: Mapped[str] = mapped_column(String(64), default="")
    approved_at: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[str] = mapped_column(String(16), index=True)
    comment: Mapped[str] = mapped_column(Text, default="")
    seal: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("compliance_statements_place", "item", "subject"),)


class ComplianceWaiver(Base):
    """A risk that somebody accepts until the day `expires` (`compliance.given.Waiver`); states as of a statement."""

    __tablename__ = "compliance_waivers"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    item: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    measure: Mapped[str] = mapped_column(Text)
    expires: Mapped[str] = mapped_column(String(10))
    digest: Mapped[str] = mapped_column(String(64))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[str] = mapped_column(String(40))
    approved_by: Mapped[str] = mapped_column(String(64), default="")
    approved_at: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[str] = mapped_column(String(16), index=True)
    comment: Mapped[str] = mapped_column(Text, default="")
    seal: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("compliance_waivers_place", "item", "subject"),)


class ForeignObject(Base):
    """An object beside the box that people assess (`compliance.given.Foreign`); `ref` is `kind:name`."""

    __tablename__ = "foreign_objects"
    ref: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(63))
    what: Mapped[str] = mapped_column(Text)
    maker: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    applies_to: Mapped[list[str]]
    made_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[str] = mapped_column(String(40))


class ComplianceChoice(Base):
    """How runs are judged and when they are made: an option of a rule set (`NAME.option`) and its choice.

    The key `former` holds the id of the run before correction, `schedule` the days between two runs and
    the hour in Beijing time (`7 3`).
    """

    __tablename__ = "compliance_choices"
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[str] = mapped_column(String(120))
    set_by: Mapped[str] = mapped_column(String(64))
    set_at: Mapped[str] = mapped_column(String(40))
    seal: Mapped[str] = mapped_column(Text, default="")
