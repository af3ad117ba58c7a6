"""How a disk of the replicated storage is added, removed and replaced, never at the cost of the last copies."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BoxError, Conflict, Text
from appliance.host import Host
from controller.actions.storage import LEAST, AddDisk, RemoveDisk, ReplaceDisk, find, name, split
from controller.drivers import ceph_facts
from controller.drivers.ceiling import ceiling
from controller.drivers.ceph import Cluster
from controller.jobs.steps import Say, Step
from controller.records.session import reading
from controller.workers import storage_plan, storage_waits
from controller.workers.site import Site
from controller.workers.storage_plan import NewDisk
from controller.workers.storage_survey import place, survey, wipe_head

_UP = 120.0  # seconds
_DOUBT = 120.0  # as long as another manager takes to stand in for one that died, and more
_REPAIR = 7 * 24 * 3600.0  # a large disk's data are made anew for hours, in a bad week for days


class CopiesAtRisk(Conflict):
    """Something would lose the last good copies, or leave fewer than needed; `why` names what."""

    code = "storage.copies_at_risk"
    text = Text(
        "不能放弃磁盘 {disk} 上的数据：{why}", "The data on {disk} cannot be given up: {why}"
    )
    hint = Text(
        "请等待存储修复完成（hbox storage show），或先让缺失的节点、磁盘恢复。",
        "Wait until the storage is repaired (`hbox storage show`), or bring back what is missing first.",
    )


def add(action: AddDisk, site: Site) -> Sequence[Step]:
    """Steps of `storage.disk.add`."""
    disk = _Disk(site, action.node, action.path)
    return [
        Step("survey", Text("检查磁盘", "Survey the disk"), disk.look),
        Step("number", Text("分配编号", "Give it a number"), disk.number, disk.forget_number),
        Step("store", Text("初始化并启动", "Make its store, start it"), disk.store, disk.take_off),
        Step("serves", Text("等待就绪", "Wait until it serves"), disk.serves),
        Step("record", Text("记录磁盘", "Record the disk"), disk.record),
    ]


def remove(action: RemoveDisk, site: Site) -> Sequence[Step]:
    """Steps of `storage.disk.remove`."""
    disk = _Disk(site, *split(action.disk))
    return [
        Step("guard", Text("检查副本与容量", "Check copies and room"), disk.may_leave),
        Step("out", Text("迁出数据", "Have its data made elsewhere"), disk.out, disk.back_in),
        Step("empty", Text("等待数据迁完", "Wait until nothing rests on it"), disk.wait_empty),
        Step("stop", Text("停止", "Stop it"), disk.stop, disk.start),
        Step("purge", Text("从集群移除", "Take it out of the cluster"), disk.purge),
        Step("wipe", Text("清除磁盘头", "Wipe its head"), disk.wipe),
        Step("record", Text("记录", "Record it"), disk.record_gone),
    ]


def replace(action: ReplaceDisk, site: Site) -> Sequence[Step]:
    """Steps of `storage.disk.replace`: the number stays, its data are made anew from the other copies."""
    old, new = _Disk(site, *split(action.disk)), _Disk(site, action.node, action.path)
    new.replaces = old

    def guard(say: Say) -> None:
        give_up(site, [old.osd()], action.disk, say)

    return [
        Step("survey", Text("检查新磁盘", "Survey the new disk"), new.look),
        Step("guard", Text("确认其他副本完好", "See that the other copies are good"), guard),
        Step("destroy", Text("停用旧磁盘", "Give the old disk up"), old.destroy),
        Step("number", Text("沿用编号", "Give its number to the new one"), new.number),
        Step("store", Text("初始化并启动", "Make its store, start it"), new.store, new.take_off),
        Step("serves", Text("等待就绪", "Wait until it serves"), new.serves),
        Step("record", Text("记录磁盘", "Record the disk"), new.record),
        Step("repair", Text("等待副本补齐", "Wait until all copies are there"), new.repaired),
    ]


def give_up(site: Site, numbers: Sequence[int], what: str, say: Say) -> None:
    """Raise `CopiesAtRisk` unless what these disks hold is safe on others.

    A moment's doubt (a disk that has just failed, groups that are still agreeing) is waited out first.
    """
    cluster = storage_plan.cluster(site)

    def at_risk() -> str:
        return ceph_facts.risk(cluster.groups(), numbers)

    try:
        storage_waits.until(at_risk, say, _DOUBT)
    except storage_waits.NotInTime as error:
        raise CopiesAtRisk(disk=what, why=str(error.fields["why"])) from error


def room_without(cluster: Cluster, numbers: Sequence[int], what: str) -> None:
    """Raise `CopiesAtRisk` unless three nodes with disks, and room, are left without these disks."""
    left = ceph_facts.left_without(cluster.places().bearing, numbers)
    if len(left) < LEAST:
        why = f"只剩 {len(left)} 个有磁盘的节点 only {len(left)} nodes with disks would be left"
        raise CopiesAtRisk(disk=what, why=why)
    used, most = cluster.used_mib(), ceiling(list(left.values()))
    if used > most:
        why = f"已用 {used} MiB，余下上限 {most} MiB used is more than would be left"
        raise CopiesAtRisk(disk=what, why=why)


class _Disk:
    """One disk of one node, and what is done with it; each deed finds it done or does it."""

    replaces: "_Disk | None" = None

    def __init__(self, site: Site, node: str, path: str) -> None:
        self._site = site
        self._node = node
        self._path = path
        self.id = name(node, path)

    @property
    def _cluster(self) -> Cluster:
        return storage_plan.cluster(self._site)

    @property
    def _host(self) -> Host:
        return self._site.node(self._node).host

    def osd(self) -> int:
        """Return its number; raises `Conflict` where it has none."""
        with reading(self._site.engine) as session:
            number = find(session, self.id).osd
        if number is None:
            raise Conflict(why=f"{self.id} has no number")
        return number

    def look(self, say: Say) -> None:
        """Examine it; change nothing on it."""
        seen = survey(self._host, self._path)
        say(f"{self.id} -> {seen.stable} {seen.size_mib} MiB {seen.serial}")

        def work(session: Session) -> None:
            row = find(session, self.id)
            row.serial, row.size_mib = seen.serial, seen.size_mib

        self._site.change(work)

    def number(self, _say: Say) -> None:
        """Have the cluster give it a number: that of the disk it replaces, else a new one."""
        wanted = self.replaces.osd() if self.replaces else None
        given = self._cluster.new_osd(self._uuid, wanted)

        def work(session: Session) -> None:
            find(session, self.id).osd = given

        self._site.change(work)

    def forget_number(self, _say: Say) -> None:
        """Give the number back."""
        with reading(self._site.engine) as session:
            number = find(session, self.id).osd
        if number is not None:
            self._cluster.purge(number)
            self._cluster.drop_host(self._node)

    @property
    def _uuid(self) -> str:
        return storage_plan.disk_uuid(self._site, self.id)

    def store(self, say: Say) -> None:
        """Run the roles with this disk."""
        disk = NewDisk(self.osd(), self._uuid, *place(self._host, self._path))
        storage_plan.bring_up(self._site, say, {self._node: [disk]})

    def take_off(self, _say: Say) -> None:
        """Stop its daemon and take its store away; it was empty before. One that serves by now stays."""
        with reading(self._site.engine) as session:
            row = find(session, self.id)
            number, serves = row.osd, row.state == "in"
        if number is not None and not serves:
            end_daemon(self._host, number)
            wipe_head(self._host, self._path)

    def serves(self, say: Say) -> None:
        """Wait until it is up and in."""
        number = self.osd()

        def missing() -> str:
            seen = self._cluster.osd(number)
            if seen is not None and seen.up and not seen.inside:
                self._cluster.back_in(number)  # the one before it may have been marked out
            return "" if seen and seen.up and seen.inside else f"osd.{number}"

        storage_waits.until(missing, say, _UP)

    def repaired(self, say: Say) -> None:
        """Wait until every group has all of its copies again."""

        def missing() -> str:
            storage_waits.heed(self._site)
            data = self._cluster.picture().data
            left = ceph_facts.repair_seconds(data)
            words = f"{dict(data.states)}" + (f", ~{left} s" if left else "")
            return "" if data.clean and data.whole else words

        storage_waits.until(missing, say, _REPAIR)

    def may_leave(self, _say: Say) -> None:
        """Raise unless three nodes with disks and enough room are left without it."""
        room_without(self._cluster, [self.osd()], self.id)

    def out(self, _say: Say) -> None:
        """Have its data made elsewhere."""
        self._cluster.out(self.osd())
        self._record(state="out")

    def back_in(self, _say: Say) -> None:
        """Let it bear data again."""
        self._cluster.back_in(self.osd())
        self._record(state="in")

    def wait_empty(self, say: Say) -> None:
        """Wait until the cluster says that nothing is lost when it goes."""
        number = self.osd()

        def missing() -> str:
            storage_waits.heed(self._site)
            data = self._cluster.picture().data
            if data.whole and self._cluster.empty(number):
                return ""
            return f"{dict(data.states)}, {data.rate // 2**20} MiB/s"

        storage_waits.until(missing, say, _REPAIR)

    def stop(self, _say: Say) -> None:
        """Stop its daemon, for good."""
        number = self.osd()
        if not self._cluster.empty(number):
            raise CopiesAtRisk(disk=self.id, why="safe-to-destroy: no")
        self._host.run(["systemctl", "disable", "--now", f"ceph-osd@{number}.service"])

    def start(self, _say: Say) -> None:
        """Let its daemon run again, while the cluster still knows it."""
        number = self.osd()
        if self._cluster.osd(number) is not None:
            self._host.run(["systemctl", "enable", "--now", f"ceph-osd@{number}.service"])

    def purge(self, _say: Say) -> None:
        """Have the cluster forget it."""
        self._cluster.purge(self.osd())
        self._cluster.drop_host(self._node)

    def wipe(self, say: Say) -> None:
        """Take its store away; what cannot be wiped is said, not hidden."""
        end_daemon(self._host, self.osd())
        try:
            wipe_head(self._host, self._path)
        except BoxError as error:
            say(f"未能清除，请物理销毁 not wiped, destroy it: {error.message.en}")
            self._site.report(disk=self.id, wiped=False)
        else:
            say("磁盘头已清除；数据区未覆写 its head is wiped; its data area was not overwritten")
            self._site.report(disk=self.id, wiped=True)

    def destroy(self, _say: Say) -> None:
        """Stop what may still run of it and have the cluster give it up; its number stays."""
        number = self.osd()
        end_daemon(self._host, number)
        seen = self._cluster.osd(number)
        if seen is not None and not seen.gone:
            self._wait_down(number)
            self._cluster.destroy(number)
        self._record(state="failed")

    def _wait_down(self, number: int) -> None:
        def missing() -> str:
            seen = self._cluster.osd(number)
            if seen is not None and seen.up:
                self._cluster.tell("osd", "down", str(number))
                return f"osd.{number} is up"
            return ""

        storage_waits.until(missing, lambda _line: None, _UP)

    def record(self, _say: Say) -> None:
        """Write down that it serves, and that the one it replaces is gone."""

        def work(session: Session) -> None:
            row = find(session, self.id)
            row.state, row.since = "in", clock.iso()
            row.job_id = self._site.job_id
            if self.replaces and self.replaces.id != self.id:
                old = find(session, self.replaces.id)
                old.state, old.since, old.osd = "gone", clock.iso(), None

        self._site.change(work)
        self._site.report(disk=self.id, osd=self.osd())

    def record_gone(self, _say: Say) -> None:
        """Write down that it is no disk of the storage any more."""

        def work(session: Session) -> None:
            row = find(session, self.id)
            row.state, row.since, row.osd = "gone", clock.iso(), None

        self._site.change(work)

    def _record(self, state: str) -> None:
        def work(session: Session) -> None:
            row = find(session, self.id)
            if row.state != state:
                row.state, row.since = state, clock.iso()

        self._site.change(work)


def end_daemon(host: Host, number: int) -> None:
    """Stop a disk's daemon and take its folder away; absent ones are fine."""
    host.run(["systemctl", "disable", "--now", f"ceph-osd@{number}.service"], check=False)
    host.run(["rm", "-rf", "--", f"/var/lib/ceph/osd/ceph-{number}"])
