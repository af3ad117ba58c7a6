"""Waiting for the storage: until a thing holds, told now and then, never for ever."""

from collections.abc import Callable

from appliance import clock
from appliance.errors import Text, Unavailable
from controller.drivers.ceph import Cluster, ClusterSilent
from controller.drivers.ceph_facts import Picture
from controller.jobs.execution import Cancelled
from controller.jobs.steps import Say
from controller.records.session import reading
from controller.records.tables import Job
from controller.workers.site import Site

_EVERY = 2.0
_TELL = 15.0  # seconds between two lines in the job's log


class NotInTime(Unavailable):
    """The storage did not come so far within the time; `why` is what is still missing."""

    code = "storage.not_in_time"
    text = Text(
        "存储在 {limit} 秒内未达到：{why}", "The storage did not get there in {limit} s: {why}"
    )
    hint = Text(
        "请用 hbox storage show 查看状态；任务可再次提交。",
        "See `hbox storage show`; the job may be submitted again.",
    )


def until(missing: Callable[[], str], say: Say, limit: float) -> None:
    """Ask `missing` again and again until it says ""; raise `NotInTime` after `limit` seconds.

    A cluster that does not answer for the moment counts as something missing.
    """
    end, told, why = clock.monotonic() + limit, float("-inf"), ""
    while True:
        try:
            now = missing()
        except ClusterSilent as error:
            now = error.message.en
        if not now:
            return
        if now != why and clock.monotonic() - told > _TELL:
            say(f"等待 waiting: {now}")
            told = clock.monotonic()
        why = now
        if clock.monotonic() > end:
            raise NotInTime(limit=int(limit), why=why)
        clock.pause(_EVERY)


def heed(site: Site) -> None:
    """Raise `Cancelled` when somebody asked for this job to be cancelled: copying may take hours."""
    with reading(site.engine) as session:
        job = session.get(Job, site.job_id)
        if job is not None and job.cancel_asked:
            raise Cancelled


def healthy(cluster: Cluster, osds: int, say: Say, limit: float) -> None:
    """Wait for HEALTH_OK, nothing muted, with `osds` disks up and every group clean."""

    def missing() -> str:
        seen = cluster.picture()
        return unhealthy(seen, osds)

    until(missing, say, limit)


def unhealthy(seen: Picture, osds: int) -> str:
    """Return what is missing for HEALTH_OK with `osds` disks up, "" for nothing."""
    up = sum(1 for osd in seen.osds if osd.up and osd.inside)
    if up < osds:
        return f"磁盘 disks up {up}/{osds}"
    if seen.mutes:
        return f"已屏蔽 muted: {', '.join(seen.mutes)}"
    if seen.checks:
        return "; ".join(f"{check.code}: {check.summary}" for check in seen.checks)[:400]
    return "" if seen.data.clean else f"{dict(seen.data.states)}"
