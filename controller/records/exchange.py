"""The tables of the data exchange: channel changes, transfers, alerts, reports, proofs."""

from typing import Any

from sqlalchemy import JSON, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.records.tables import Base


class ChannelChange(Base):
    """One asked-for change of a gateway channel; the worker's own file of it counts, this row shows it.

    `op` is put or remove, `state` pending, approved or rejected. `base` is the channel's version it
    was made on (0: none), `version` what it became. `before` and `text` are the channel's texts,
    `widens` what it opens further (texts in both languages), `trial` the last dry run, `digest` the
    SHA-256 of what is approved.
    """

    __tablename__ = "channel_changes"
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(64), index=True)
    op: Mapped[str] = mapped_column(String(8))
    base: Mapped[int] = mapped_column(Integer)
    before: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    widens: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(16), index=True)
    requester: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[str] = mapped_column(String(40))
    approver: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[str | None] = mapped_column(String(40))
    decision: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int | None] = mapped_column(Integer)
    trial: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    tried_at: Mapped[str | None] = mapped_column(String(40))
    job_id: Mapped[str] = mapped_column(String(36))


class Transfer(Base):
    """One message that met the gateway; an index of the journal, rebuilt from it at will.

    `state`: accepted (queued), answered, delivered, dead, dropped, failed or refused. `count` is how many
    refusals alike the row stands for. `answer` is the number of the journal record that holds the
    receiver's answer. `latency_ms` runs from asking to the end, `ended_at` is that end.
    """

    __tablename__ = "transfers"
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40), index=True)
    channel: Mapped[str] = mapped_column(String(64))
    direction: Mapped[str] = mapped_column(String(32))
    lane: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str] = mapped_column(String(16))
    rule: Mapped[str] = mapped_column(Text)
    data_class: Mapped[str] = mapped_column(String(32))
    peer: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    latency_ms: Mapped[float | None] = mapped_column(Float)
    hash: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(120), default="")
    purpose: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    delivery: Mapped[str] = mapped_column(String(40), default="", index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    found: Mapped[str] = mapped_column(String(120), default="")
    dropped: Mapped[int] = mapped_column(Integer, default=0)
    masked: Mapped[int] = mapped_column(Integer, default=0)
    inert: Mapped[int] = mapped_column(Integer, default=0)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    count: Mapped[int] = mapped_column(Integer, default=1)
    answer: Mapped[int | None] = mapped_column(Integer)
    ended_at: Mapped[str | None] = mapped_column(String(40))

    __table_args__ = (
        Index("transfers_channel", "channel", "number"),
        Index("transfers_verdict", "verdict", "number"),
        Index("transfers_state", "state", "number"),
        Index("transfers_peer", "peer", "number"),
        Index("transfers_rule", "rule", "number"),
        Index("transfers_ended", "ended_at"),
    )


class JournalIndex(Base):
    """How far the index of the journal came (one row, id 1); `broken` says why it stopped, if it did.

    `paused` names the channels that an operator paused and did not resume.
    """

    __tablename__ = "journal_index"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer)
    chain: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(40))
    broken: Mapped[str] = mapped_column(Text, default="")
    paused: Mapped[list[str]] = mapped_column(default=list)


class GatewayMinute(Base):
    """What is known of one minute (`YYYY-MM-DDTHH:MM`, UTC): whether the gateway ran, how often it began.

    A minute without a row is one in which nobody looked; plots show it as a gap.
    """

    __tablename__ = "gateway_minutes"
    minute: Mapped[str] = mapped_column(String(16), primary_key=True)
    alive: Mapped[bool] = mapped_column(default=True)
    starts: Mapped[int] = mapped_column(Integer, default=0)


class Alert(Base):
    """Something of the exchange that wants a person; `rule` and `subject` say what, `facts` the figures.

    It is open until `closed_at`; `evidence` is the newest transfer it rests on (0: none). Acknowledged,
    it stays open but no longer lights the lamp.
    """

    __tablename__ = "alerts"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rule: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(128))
    tone: Mapped[str] = mapped_column(String(8))
    facts: Mapped[dict[str, Any]]
    evidence: Mapped[int] = mapped_column(Integer, default=0)
    opened_at: Mapped[str] = mapped_column(String(40), index=True)
    seen_at: Mapped[str] = mapped_column(String(40))
    closed_at: Mapped[str | None] = mapped_column(String(40), index=True)
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))
    acknowledged_at: Mapped[str | None] = mapped_column(String(40))


class GatewayReport(Base):
    """The exchange's report of one day (Beijing time, `YYYY-MM-DD`); files lie under `reports/`."""

    __tablename__ = "gateway_reports"
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    at: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(64))
    summary: Mapped[dict[str, Any]]


class Proof(Base):
    """One run of `gateway prove`; `document` is the signed proof."""

    __tablename__ = "proofs"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[str] = mapped_column(String(40))
    level: Mapped[str] = mapped_column(String(8))
    open_ways: Mapped[int] = mapped_column(Integer)
    document: Mapped[dict[str, Any]]
