"""Looks at the replicated storage again and again, and records how it is, since when, and what it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BoxError, Text
from controller.actions.storage import NAME
from controller.drivers import ceph_facts
from controller.drivers.ceiling import ceiling, fits
from controller.drivers.ceph import ClusterSilent
from controller.drivers.ceph_facts import Picture, Places
from controller.records.cluster import OsdDisk, Storage
from controller.records.session import reading
from controller.records.tables import Node
from controller.workers import storage_plan
from controller.workers.site import Site

EVERY = 10.0  # seconds


@dataclass(frozen=True)
class Need:
    """Something that a person should see to: a stable code and a sentence in both languages."""

    code: str
    text: Text

    def as_dict(self) -> dict[str, str]:
        """Return the form that the records carry."""
        return {"code": self.code, **self.text.as_dict()}


@dataclass(frozen=True)
class Look:
    """What was seen: the cluster's picture, which node has which disks, MiB used (None: not known now)."""

    seen: Picture
    places: Places
    used: int | None

    @property
    def over(self) -> bool:
        """Whether more is used than the loss of a node allows."""
        return self.used is not None and self.used > ceiling(self.places.sizes)


def look(site: Site) -> None:
    """Ask the cluster and record what it says; a box without replicated storage has nothing to ask."""
    if not _made(site):
        return
    try:
        found = _ask(site)
    except ClusterSilent as error:
        _silent(site, error)
        return
    _record(site, found)


def _made(site: Site) -> bool:
    with reading(site.engine) as session:
        row = session.get(Storage, NAME)
        return row is not None and row.state != "making"


def _ask(site: Site) -> Look:
    cluster = storage_plan.cluster(site)
    seen = cluster.picture()
    return Look(seen, cluster.places(), cluster.used_mib() if seen.manager else None)


def _silent(site: Site, error: BoxError) -> None:
    """Nobody answers: that is known, and all else is as it was seen last."""
    need = Need("storage.silent", error.message).as_dict()

    def work(session: Session) -> None:
        row = session.get(Storage, NAME)
        if row is not None:
            _enter(row, "error", {**(row.facts or {}), "health": "?", "needs": [need]})

    site.change(work)


def _record(site: Site, found: Look) -> None:
    with reading(site.engine) as session:
        disks = list(session.scalars(select(OsdDisk).where(OsdDisk.osd.is_not(None))))
        away = {row.name for row in session.scalars(select(Node)) if row.why is not None}
    failing = failed(found.seen, disks, away)
    facts = {**facts_of(found), "needs": [n.as_dict() for n in needs(found.seen, failing, away)]}
    state = ceph_facts.state(found.seen, len(found.places.bearing), over=found.over)

    def work(session: Session) -> None:
        row = session.get(Storage, NAME)
        if row is None:
            return
        _enter(row, state, {**(row.facts or {}), **facts})
        for disk in session.scalars(select(OsdDisk).where(OsdDisk.state.in_(["in", "failed"]))):
            wanted = "failed" if disk.id in failing else "in"
            if disk.osd is not None and disk.state != wanted and disk.node not in away:
                disk.state, disk.since = wanted, clock.iso()

    site.change(work)


def _enter(row: Storage, state: str, facts: dict[str, Any]) -> None:
    now = clock.iso()
    if row.state != state:
        row.state, row.since = state, now
    row.facts, row.facts_at = facts, now


def facts_of(found: Look) -> dict[str, Any]:
    """Return what the records carry of a look; sizes in MiB, as users count them (one copy)."""
    sizes = found.places.sizes
    data = found.seen.data
    return {
        "health": found.seen.health,
        "checks": [check.as_dict() for check in found.seen.checks],
        "capacity": int(fits([float(size) for size in sizes], ceph_facts.COPIES)),
        **({} if found.used is None else {"used": found.used}),
        "ceiling": ceiling(sizes),
        "nodes": sorted(found.places.bearing),
        "quorum": list(found.seen.quorum),
        "groups": dict(data.states),
        "missing_mib": round(data.bytes * ceph_facts.COPIES * data.missing) // 2**20,
        "rate": data.rate,
        "repair_seconds": ceph_facts.repair_seconds(data),
    }


def failed(seen: Picture, disks: Sequence[OsdDisk], away: set[str]) -> set[str]:
    """Return the ids of disks that serve no more although their node is there."""
    up = {osd.number for osd in seen.osds if osd.up}
    return {
        disk.id
        for disk in disks
        if disk.state in ("in", "failed") and disk.osd not in up and disk.node not in away
    }


def needs(seen: Picture, failing: set[str], away: set[str]) -> list[Need]:
    """Return what a person should see to, the gravest first."""
    found = [
        Need(
            "storage.guard_broken",
            Text(
                f"存储池 {pool.name} 的副本数被改为 {pool.size}（最少 {pool.min_size}），应为 3（最少 2）",
                f"Somebody set the pool {pool.name} to {pool.size} copies (at least {pool.min_size}); it must be 3 (2)",
            ),
        )
        for pool in ceph_facts.broken_guards(seen.pools)
    ]
    muted = {check.code for check in seen.checks if check.muted} | set(seen.mutes)
    found += [
        Need(
            "storage.muted",
            Text(
                f"有人屏蔽了告警 {code}，此处照常计入；请解除：ceph health unmute {code}",
                f"Somebody muted {code}; it counts here all the same. Undo it: ceph health unmute {code}",
            ),
        )
        for code in sorted(muted)
    ]
    found += [
        Need(
            "storage.disk_failed",
            Text(
                f"磁盘 {disk} 故障：请更换（hbox storage disk replace）",
                f"The disk {disk} has failed: replace it (`hbox storage disk replace`)",
            ),
        )
        for disk in sorted(failing)
    ]
    return found + [
        Need(
            "storage.node_away",
            Text(
                f"节点 {node} 无应答，其副本缺失",
                f"The node {node} is away, its copies are missing",
            ),
        )
        for node in sorted(away)
    ]
