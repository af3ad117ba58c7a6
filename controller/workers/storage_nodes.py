"""A node's part in the replicated storage: as it joins, is replaced under its name, and leaves."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BoxError
from controller.actions.storage import NAME, split
from controller.drivers import ceph_keys
from controller.drivers.ceph import Cluster
from controller.jobs.steps import Say
from controller.records.cluster import OsdDisk, Storage
from controller.records.session import reading
from controller.workers import storage_disks, storage_plan, storage_waits
from controller.workers.site import Site
from controller.workers.storage_disks import CopiesAtRisk, end_daemon
from controller.workers.storage_plan import MONITORS, Members, Monitor, NewDisk
from controller.workers.storage_survey import bears, place, survey, wipe_head

_UP = 180.0  # seconds
_PATIENCE = 600.0  # for the copies on a node that came back; longer must not hold up its joining


def rejoin(site: Site, node: str, say: Say) -> None:
    """Give a node that joined its part: the client's, and what the node of that name bore before it.

    Idempotent. Raises `CopiesAtRisk` where its old disks might hold the last copies.
    """
    if not storage_plan.is_set_up(site):
        return
    kept = storage_plan.members(site)
    disks = _disks(site, node)
    cluster = storage_plan.cluster(site)
    mine = _of_this_job(site, cluster, disks)
    lost = [disk for disk in disks if disk not in mine and not _lives(site, node, disk)]
    if lost:
        storage_disks.give_up(site, [_number(disk) for disk in lost], node, say)
    if node in {one.name for one in kept.monitors}:
        _fresh_map(cluster)
    if node in kept.managers and not _has_store(site, node, f"mgr/ceph-{node}/keyring"):
        cluster.forget(f"mgr.{node}")
        cluster.allow(ceph_keys.manager(node))
    made = [_again(site, cluster, disk) for disk in [*mine, *lost]]
    storage_plan.run(site, say, [node], {node: made} if made else {})
    _wait(site, node, kept, say)
    _note(site, [*mine, *lost])


def configure(site: Site, node: str, say: Say, *, check: bool = False) -> int:
    """Run the storage's roles on a node again (`check`: only say what would change); return the changes."""
    if not storage_plan.is_set_up(site):
        return 0
    return storage_plan.run(site, say, [node], {}, check=check)[node].changed


def may_replace(site: Site, node: str) -> None:
    """Raise `CopiesAtRisk` unless all that the node bore is safe on others; nothing without storage."""
    if storage_plan.is_set_up(site) and (disks := _disks(site, node)):
        storage_disks.give_up(site, [_number(disk) for disk in disks], node, lambda _line: None)


def leave(site: Site, node: str, say: Say) -> None:
    """Empty the node's disks, move its monitor, forget its keys; the other nodes bear all afterwards.

    Idempotent. Raises `CopiesAtRisk` where fewer than three nodes with disks, or too little room, would be left.
    """
    if not storage_plan.is_set_up(site):
        return
    kept = storage_plan.members(site)
    disks = _disks(site, node)
    cluster = storage_plan.cluster(site)
    if disks:
        storage_disks.room_without(cluster, [_number(disk) for disk in disks], node)
        _empty(site, cluster, disks, say)
    _move_monitor(site, cluster, kept, node, say)
    cluster.forget(f"mgr.{node}")
    cluster.drop_host(node)
    _strip(site, node, say)


def _empty(site: Site, cluster: Cluster, disks: Sequence[OsdDisk], say: Say) -> None:
    for disk in disks:
        cluster.out(_number(disk))

    def missing() -> str:
        storage_waits.heed(site)
        left = [disk.id for disk in disks if not cluster.empty(_number(disk))]
        return ", ".join(left)

    storage_waits.until(missing, say, 7 * 24 * 3600.0)
    for disk in disks:
        _try(partial(end_daemon, site.node(disk.node).host, _number(disk)), say)
        _down(cluster, _number(disk), say)
        cluster.purge(_number(disk))

    def work(session: Session) -> None:
        for disk in disks:
            row = session.get(OsdDisk, disk.id)
            if row is not None:
                session.delete(row)

    site.change(work)


def _down(cluster: Cluster, number: int, say: Say) -> None:
    def missing() -> str:
        seen = cluster.osd(number)
        return f"osd.{number} is up" if seen is not None and seen.up else ""

    storage_waits.until(missing, say, _UP)


def _move_monitor(site: Site, cluster: Cluster, kept: Members, node: str, say: Say) -> None:
    """Have another node bear the monitor, then let this one go: the number of monitors stays odd."""
    if node not in {one.name for one in kept.monitors}:
        return
    where = storage_plan.addresses(site)
    bearing = {one.name for one in kept.monitors}
    heir = next((name for name in sorted(where) if name not in bearing), None)
    left = storage_plan.without(kept, node)
    if heir is not None:
        left = replace(
            left,
            monitors=(*left.monitors, Monitor(heir, where[heir])),
            managers=(*left.managers, heir),
        )
    elif len(left.monitors) < MONITORS:
        raise CopiesAtRisk(disk=node, why="没有其他节点可承担监视器 no other node for its monitor")
    cluster.tell("mon", "rm", node)
    storage_plan.keep(site, left)
    if heir is not None:
        cluster.allow(ceph_keys.manager(heir))
        _fresh_map(cluster)
    storage_plan.run(site, say, sorted(set(where) - {node}), {})
    storage_waits.until(lambda: _not_in_quorum(cluster, left), say, _UP)
    site.change(lambda session: _known(session, left))


def _known(session: Session, kept: Members) -> None:
    row = session.get(Storage, NAME)
    if row is not None:
        row.facts = {**(row.facts or {}), "monitors": kept.addresses}


def _not_in_quorum(cluster: Cluster, kept: Members) -> str:
    there = set(cluster.ask("status")["quorum_names"])
    return ", ".join(sorted({one.name for one in kept.monitors} - there))


def _strip(site: Site, node: str, say: Say) -> None:
    """Take daemons and keys off a node that still answers."""
    host = site.node(node).host
    units = ["ceph-mon@", "ceph-mgr@"]
    for unit in units:
        argv = ["systemctl", "disable", "--now", f"{unit}{node}.service"]
        _try(partial(host.run, argv, check=False), say)
    stores = ["/var/lib/ceph/mon", "/var/lib/ceph/mgr", "/var/lib/ceph/osd"]
    words = ["find", *stores, "-mindepth", "1", "-delete"]
    _try(partial(host.run, words, check=False), say)
    secrets = ["/etc/ceph/ceph.client.hbox.keyring", "/etc/ceph/client.hbox.key"]
    _try(partial(host.run, ["rm", "-f", *secrets], check=False), say)


def _of_this_job(site: Site, cluster: Cluster, disks: Sequence[OsdDisk]) -> list[OsdDisk]:
    """Return the disks that this very job brought in, before it was cut off."""
    known = {one["osd"]: one["uuid"] for one in cluster.ask("osd", "dump")["osds"]}
    return [d for d in disks if known.get(_number(d)) == storage_plan.disk_uuid(site, d.id)]


def _again(site: Site, cluster: Cluster, disk: OsdDisk) -> NewDisk:
    """Give a lost disk's number to the new one in its place.

    That one must be empty, or be the lost one itself: its copies are made anew from the others, which is
    slower than reading its store, and never wrong.
    """
    host, number = site.node(disk.node).host, _number(disk)
    identity = storage_plan.disk_uuid(site, disk.id)
    path = split(disk.id)[1]
    known = {one["osd"]: one["uuid"] for one in cluster.ask("osd", "dump")["osds"]}
    if known.get(number) != identity:
        if bears(host, path, known.get(number, "")):
            wipe_head(host, path)
        survey(host, path)
        end_daemon(host, number)
        _down(cluster, number, lambda _line: None)
        cluster.destroy(number)
    cluster.new_osd(identity, number)
    return NewDisk(number, identity, *place(host, path))


def _wait(site: Site, node: str, kept: Members, say: Say) -> None:
    """Wait until the node bears what it should; then a while for the copies, which come by themselves."""
    cluster = storage_plan.cluster(site)
    numbers = [_number(disk) for disk in _disks(site, node)]

    def missing() -> str:
        if lame := _not_in_quorum(cluster, kept):
            return f"监视器 monitors: {lame}"
        seen = cluster.picture()
        for osd in (one for one in seen.osds if one.number in numbers):
            if osd.up and not osd.inside:
                cluster.back_in(osd.number)
            if not (osd.up and osd.inside):
                return f"osd.{osd.number}"
        return ""

    storage_waits.until(missing, say, _UP)

    def incomplete() -> str:
        data = cluster.picture().data
        return "" if data.whole and not data.inactive else f"{dict(data.states)}"

    try:
        storage_waits.until(incomplete, say, _PATIENCE)
    except storage_waits.NotInTime:
        say("副本继续在后台补齐 the copies go on being made: hbox storage show")


def _note(site: Site, disks: Sequence[OsdDisk]) -> None:
    def work(session: Session) -> None:
        for disk in disks:
            row = session.get(OsdDisk, disk.id)
            if row is not None:
                row.state, row.since, row.job_id = "in", clock.iso(), site.job_id

    site.change(work)


def _fresh_map(cluster: Cluster) -> None:
    """Lay the present map of the monitors where the role takes it from."""
    cluster.tell("mon", "getmap", "-o", str(cluster.keys / "monmap"))


def _disks(site: Site, node: str) -> list[OsdDisk]:
    with reading(site.engine) as session:
        query = select(OsdDisk).where(OsdDisk.node == node, OsdDisk.osd.is_not(None))
        return list(session.scalars(query.order_by(OsdDisk.id)))


def _number(disk: OsdDisk) -> int:
    return int(disk.osd if disk.osd is not None else -1)


def _lives(site: Site, node: str, disk: OsdDisk) -> bool:
    """Whether the node that is there now has this disk's store."""
    return _has_store(site, node, f"osd/ceph-{_number(disk)}/ready")


def _has_store(site: Site, node: str, path: str) -> bool:
    done = site.node(node).host.run(["test", "-e", f"/var/lib/ceph/{path}"], check=False)
    return done.code == 0


def _try(deed: Callable[[], object], say: Say) -> None:
    try:
        deed()
    except BoxError as error:
        say(f"节点无应答，未在其上清理 nothing was undone on the node: {error.message.en}")
