"""The tables of a box of several nodes: trust, storage, volumes, templates, tenants, rights, consoles."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.records.tables import Base


class NodeToken(Base):
    """A word by which one new node may join, once, until `expires_at`; only its SHA-256 is kept.

    `name` is the node it is for ("": any new name). `replaces` says that the node of that name may be
    put in place of the one that was there.
    """

    __tablename__ = "node_tokens"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64), default="")
    replaces: Mapped[bool] = mapped_column(default=False)
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[str] = mapped_column(String(40))
    expires_at: Mapped[str] = mapped_column(String(40))
    used_at: Mapped[str | None] = mapped_column(String(40))
    job_id: Mapped[str | None] = mapped_column(String(36))


class Storage(Base):
    """A place for volumes: `kind` dir (one node's own) or rbd (every node reaches it).

    `state`: ok, degraded (a copy is missing and is being made), no_spare (a copy is missing and no
    node is left to make it on), full (over the ceiling), error. `facts`: capacity, used and ceiling in
    MiB, health words, seconds to repair; `since` is when the present state began.
    """

    __tablename__ = "storages"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16), default="ok")
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    since: Mapped[str | None] = mapped_column(String(40))
    facts_at: Mapped[str | None] = mapped_column(String(40))
    job_id: Mapped[str | None] = mapped_column(String(36))


class OsdDisk(Base):
    """A disk (or, in a lab, a file) of a node that holds replicated data; `osd` is its number in Ceph.

    `state`: wished, in, out (being emptied), failed, gone. Its id is `node:path`.
    """

    __tablename__ = "osd_disks"
    id: Mapped[str] = mapped_column(String(192), primary_key=True)
    node: Mapped[str] = mapped_column(ForeignKey("nodes.name"), index=True)
    path: Mapped[str] = mapped_column(String(128))
    serial: Mapped[str] = mapped_column(String(64), default="")
    size_mib: Mapped[int] = mapped_column(Integer, default=0)
    osd: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str] = mapped_column(String(36))
    since: Mapped[str] = mapped_column(String(40))


class Template(Base):
    """An image that machines are made from. `name` and `version` together are unique.

    `boot`: disk (its own boot loader) or kernel (the box's guest base image). `digest` is the SHA-256 of
    the file as it was checked and signed; `signature` is by the key `signer`. `size_mib` is virtual.
    """

    __tablename__ = "templates"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    signer: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String(8))
    boot: Mapped[str] = mapped_column(String(8))
    size_mib: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    checked_at: Mapped[str | None] = mapped_column(String(40))
    job_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[str] = mapped_column(String(40))

    __table_args__ = (Index("templates_name_version", "name", "version", unique=True),)


class Nic(Base):
    """A further network interface of a machine; its first one stands in the machine's own row.

    `position` is its place among the further ones, from 1. `state`: wished (asked for, its address taken),
    present (part of the machine).
    """

    __tablename__ = "nics"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    vm_id: Mapped[str] = mapped_column(ForeignKey("vms.id"), index=True)
    zone: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(40))
    mac: Mapped[str] = mapped_column(String(17), unique=True)
    position: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[str] = mapped_column(String(16), default="wished")
    job_id: Mapped[str] = mapped_column(String(36))

    __table_args__ = (Index("nics_zone_address", "zone", "address", unique=True),)


class Snapshot(Base):
    """The state of all writable volumes of a machine at one instant; `volumes` lists their ids.

    `frozen`: whether the guest's file systems were held still while it was taken.
    """

    __tablename__ = "snapshots"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    vm_id: Mapped[str] = mapped_column(ForeignKey("vms.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    volumes: Mapped[list[str]]
    frozen: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[str] = mapped_column(String(40))

    __table_args__ = (Index("snapshots_vm_name", "vm_id", "name", unique=True),)


class Tenant(Base):
    """A department or vendor whose machines are counted together; a limit of 0 means none."""

    __tablename__ = "tenants"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    vms: Mapped[int] = mapped_column(Integer, default=0)
    vcpus: Mapped[int] = mapped_column(Integer, default=0)
    memory_mib: Mapped[int] = mapped_column(Integer, default=0)
    disk_gib: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[str] = mapped_column(String(40))


class Grant(Base):
    """What an account with the role `tenant` may reach: `right` (view, operate, manage) below `path`.

    Paths: `/` (all), `/tenants/NAME` (its machines and their volumes), `/vms/ID`.
    """

    __tablename__ = "grants"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    right: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(128))
    made_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[str] = mapped_column(String(40))


class ApiToken(Base):
    """A key for a program: never more than its owner may, and of that only `right` below `path`.

    Only the SHA-256 of the key is kept; `right` is as in `Grant`.
    """

    __tablename__ = "api_tokens"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    right: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[str] = mapped_column(String(40))
    expires_at: Mapped[str] = mapped_column(String(40))
    used_at: Mapped[str | None] = mapped_column(String(40))
    revoked_at: Mapped[str | None] = mapped_column(String(40))


class ConsoleSession(Base):
    """Who looked at which machine's screen or serial line, when, and how much passed.

    `kind`: screen, watch (the screen without keyboard and mouse) or serial. `state`: asked, open, closed,
    expired, failed. Only the SHA-256 of the ticket is kept; it opens one connection, until `ticket_until`.
    """

    __tablename__ = "console_sessions"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    vm_id: Mapped[str] = mapped_column(String(36), index=True)
    vm_name: Mapped[str] = mapped_column(String(64))
    account: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str] = mapped_column(String(36))
    ticket_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    ticket_until: Mapped[str | None] = mapped_column(String(40))
    asked_at: Mapped[str] = mapped_column(String(40))
    opened_at: Mapped[str | None] = mapped_column(String(40))
    closed_at: Mapped[str | None] = mapped_column(String(40))
    peer: Mapped[str] = mapped_column(String(64), default="")
    bytes_in: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes_out: Mapped[int] = mapped_column(BigInteger, default=0)
    why: Mapped[str] = mapped_column(Text, default="")
