"""The tables of the controller's records, and nothing else.

Instants are RFC 3339 text in UTC (they sort as text and read the same on SQLite and PostgreSQL),
sizes are in MiB unless the name says otherwise, JSON columns hold only what the docstring names.
"""

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Root of all tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 - SQLAlchemy's own protocol


class Account(Base):
    """A person (or the vendor's automation). `unix_user` maps a local shell user to this account.

    Exactly one role each: system, security, audit (mutually exclusive administrators), vendor, auditor.
    `code_hash` is the Argon2id hash of the one-time code until the first login replaces it.
    """

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    vendor: Mapped[str | None] = mapped_column(String(64))
    unix_user: Mapped[str | None] = mapped_column(String(32), unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    code_hash: Mapped[str | None] = mapped_column(Text)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[str | None] = mapped_column(String(40))
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[str] = mapped_column(String(40))


class Login(Base):
    """A console session; the cookie's value itself is never stored, only its SHA-256."""

    __tablename__ = "logins"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    csrf: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[str] = mapped_column(String(40))
    seen_at: Mapped[str] = mapped_column(String(40))


class Job(Base):
    """One action asked for. The row is the whole interface between web and worker.

    `state`: waiting, running, undoing, succeeded, failed, refused, cancelled. `action` is the action's
    fields. `lease_until` is set while a worker holds it. `error` is `BoxError.as_dict()`.
    """

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    action: Mapped[dict[str, Any]]
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    object: Mapped[str] = mapped_column(String(128))
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    locks: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(16), index=True)
    audit_number: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[str | None] = mapped_column(String(40))
    finished_at: Mapped[str | None] = mapped_column(String(40))
    worker: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[str | None] = mapped_column(String(40))
    resumed: Mapped[int] = mapped_column(Integer, default=0)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    blocked_by: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class JobStep(Base):
    """One step of a job: `state` is pending, running, done, failed, undoing or undone; seconds measured."""

    __tablename__ = "job_steps"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[str | None] = mapped_column(String(40))
    seconds: Mapped[float | None] = mapped_column(Float)


class JobLine(Base):
    """One log line of a job."""

    __tablename__ = "job_lines"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    at: Mapped[str] = mapped_column(String(40))
    line: Mapped[str] = mapped_column(Text)


class IdempotencyKey(Base):
    """An `Idempotency-Key` seen: the same key with the same body gives the same job again."""

    __tablename__ = "idempotency_keys"
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    body_digest: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    at: Mapped[str] = mapped_column(String(40))


class AuditEntry(Base):
    """One link of the audit chain; fields as in `appliance.audit.Entry`."""

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    act: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(128))
    detail: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(16))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class Node(Base):
    """A server of the box. `facts` is `hardware.inventory.Inventory.as_dict()` as last taken."""

    __tablename__ = "nodes"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    facts_at: Mapped[str | None] = mapped_column(String(40))
    accelerator: Mapped[str | None] = mapped_column(String(8))


class Vm(Base):
    """A virtual machine: `wished` beside `actual` (absent, stopped, running), both always shown.

    `job_id` names the job that made the wish; `agent` says whether its guest agent answered last.
    `version` counts changes and is the ETag. Address and MAC are given by the controller, unique.
    """

    __tablename__ = "vms"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    node: Mapped[str] = mapped_column(ForeignKey("nodes.name"))
    zone: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(40))
    mac: Mapped[str] = mapped_column(String(17), unique=True)
    vcpus: Mapped[int] = mapped_column(Integer)
    memory_mib: Mapped[int] = mapped_column(Integer)
    disk_gib: Mapped[int] = mapped_column(Integer)
    wished: Mapped[str] = mapped_column(String(16))
    actual: Mapped[str] = mapped_column(String(16))
    actual_at: Mapped[str | None] = mapped_column(String(40))
    agent: Mapped[bool] = mapped_column(default=False)
    job_id: Mapped[str] = mapped_column(String(36))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[str] = mapped_column(String(40))

    __table_args__ = (Index("vms_zone_address", "zone", "address", unique=True),)


class Volume(Base):
    """A disk of a VM: `kind` is system, seed or module; `path` lies in the `dir` storage of the node."""

    __tablename__ = "volumes"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    vm_id: Mapped[str] = mapped_column(ForeignKey("vms.id"))
    kind: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(Text)


class VendorKey(Base):
    """A vendor's public key and the module ids it may sign (`ids`: exact ids, or a prefix ending in `*`)."""

    __tablename__ = "vendor_keys"
    fingerprint: Mapped[str] = mapped_column(String(32), primary_key=True)
    vendor: Mapped[str] = mapped_column(String(64))
    pem: Mapped[str] = mapped_column(Text)
    ids: Mapped[list[str]]
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[str] = mapped_column(String(40))


class Module(Base):
    """An installed module. `state`: installing, running, failed, removing.

    `version` and `health` are what the running payload itself said last, not what the bundle promised. Its flows are open only when
    `approved_at` is set: by `approved_by`, for exactly the bundle with `digest`.
    """

    __tablename__ = "modules"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(32))
    vendor: Mapped[str] = mapped_column(String(64))
    summary_zh: Mapped[str] = mapped_column(Text)
    summary_en: Mapped[str] = mapped_column(Text)
    simulated: Mapped[bool] = mapped_column(default=False)
    digest: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(32))
    vm_id: Mapped[str] = mapped_column(ForeignKey("vms.id"))
    manifest: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16))
    health: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    health_at: Mapped[str | None] = mapped_column(String(40))
    job_id: Mapped[str] = mapped_column(String(36))
    installed_at: Mapped[str | None] = mapped_column(String(40))
    approved_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[str | None] = mapped_column(String(40))


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


class ComplianceRun(Base):
    """One compliance run; files lie under `reports/`, `summary` holds the counts per verdict and layer."""

    __tablename__ = "compliance_runs"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[str] = mapped_column(String(40))
    seconds: Mapped[float] = mapped_column(Float)
    ruleset: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(64))
    json_path: Mapped[str] = mapped_column(Text)
    html_path: Mapped[str] = mapped_column(Text)
    summary: Mapped[dict[str, Any]]
