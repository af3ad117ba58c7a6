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
    `factor_secret` is the second factor's secret, sealed; `factor_step` the time step of the last code
    that was accepted: none of it or before is accepted again.
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
    password_at: Mapped[str | None] = mapped_column(String(40))
    factor_secret: Mapped[str | None] = mapped_column(Text)
    factor_at: Mapped[str | None] = mapped_column(String(40))
    factor_step: Mapped[int] = mapped_column(Integer, default=0)


class PastPassword(Base):
    """The Argon2id hash of a password that an account has or had, so that it is not taken again."""

    __tablename__ = "past_passwords"
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    set_at: Mapped[str] = mapped_column(String(40), primary_key=True)
    password_hash: Mapped[str] = mapped_column(Text)


class RecoveryCode(Base):
    """A code that does once what the second factor does; kept as SHA-256, for its entropy is a key's."""

    __tablename__ = "recovery_codes"
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    used_at: Mapped[str | None] = mapped_column(String(40))


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
    key: Mapped[str] = mapped_column(String(64))
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
    """A server of the box. `facts` is `hardware.inventory.Inventory.as_dict()` as last taken.

    `state`: joining, active, maintenance (runs no machine), replacing, leaving. `home` is the node the
    controller runs on. `address` is its management address, `host_key` its SSH key as pinned when it
    joined. `seen_at` is when it last answered; `why` what it said when it did not (None: it answers).
    """

    __tablename__ = "nodes"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    facts_at: Mapped[str | None] = mapped_column(String(40))
    accelerator: Mapped[str | None] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16), default="active")
    home: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str] = mapped_column(String(64), default="")
    host_key: Mapped[str] = mapped_column(Text, default="")
    joined_at: Mapped[str | None] = mapped_column(String(40))
    seen_at: Mapped[str | None] = mapped_column(String(40))
    why: Mapped[str | None] = mapped_column(Text)
    job_id: Mapped[str | None] = mapped_column(String(36))
    version: Mapped[int] = mapped_column(Integer, default=1)


class Vm(Base):
    """A virtual machine: `wished` beside `actual` (absent, stopped, running, paused), both always shown.

    `actual` is `unknown` while its node does not answer: what cannot be seen is not said to be absent.
    `job_id` names the job that made the wish; `agent` says whether its guest agent answered last.
    `version` counts changes and is the ETag. Address and MAC are given by the controller, unique.
    Machines of one `apart` group are kept on different nodes. `placement` says why it is on its node;
    `drift` what the engine holds otherwise than wished (None: nothing), as {what: [wished, actual]};
    `pending` what the running guest sees after its next start only, in the same form. `resizing` holds
    a size that was asked for: {job, from: [vcpus, MiB], to: [vcpus, MiB]}.
    """

    __tablename__ = "vms"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    node: Mapped[str] = mapped_column(ForeignKey("nodes.name"), index=True)
    zone: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(40))
    mac: Mapped[str] = mapped_column(String(17), unique=True)
    vcpus: Mapped[int] = mapped_column(Integer)
    memory_mib: Mapped[int] = mapped_column(Integer)
    disk_gib: Mapped[int] = mapped_column(Integer)
    tenant: Mapped[str] = mapped_column(String(64), default="", index=True)
    storage: Mapped[str] = mapped_column(String(32), default="dir")
    template_id: Mapped[str] = mapped_column(String(36), default="")
    apart: Mapped[str] = mapped_column(String(64), default="")
    user_data: Mapped[str] = mapped_column(Text, default="")
    wished: Mapped[str] = mapped_column(String(16))
    actual: Mapped[str] = mapped_column(String(16))
    actual_at: Mapped[str | None] = mapped_column(String(40))
    agent: Mapped[bool] = mapped_column(default=False)
    placement: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    drift: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    pending: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    resizing: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    job_id: Mapped[str] = mapped_column(String(36))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[str] = mapped_column(String(40))

    __table_args__ = (Index("vms_zone_address", "zone", "address", unique=True),)


class Volume(Base):
    """A disk. `kind`: system, seed, module or data; a data volume may belong to no machine.

    `id` is `OWNER/KIND` (owner: the machine's id, of a data volume its own); that is also its name in the
    storage `storage`, on the node `node` where the storage is a node's own (else ""). `path` is shown
    to people only. `serial` is how a guest finds it. `parent` (`OWNER/KIND@SNAPSHOT`, or an image) is what
    a linked clone rests on; `snapshots` names the volume's own kept states, oldest first. `actual` is
    absent until it is made, `wished` absent when it is to go.
    """

    __tablename__ = "volumes"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    vm_id: Mapped[str | None] = mapped_column(ForeignKey("vms.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(String(64), default="")
    storage: Mapped[str] = mapped_column(String(32), default="dir")
    node: Mapped[str] = mapped_column(String(64), default="")
    size_gib: Mapped[int] = mapped_column(Integer, default=0)
    serial: Mapped[str] = mapped_column(String(20), default="")
    tenant: Mapped[str] = mapped_column(String(64), default="")
    parent: Mapped[str] = mapped_column(String(128), default="")
    wished: Mapped[str] = mapped_column(String(16), default="present")
    actual: Mapped[str] = mapped_column(String(16), default="present")
    job_id: Mapped[str] = mapped_column(String(36), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[str | None] = mapped_column(String(40))
    snapshots: Mapped[list[str]] = mapped_column(JSON, default=list)


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
