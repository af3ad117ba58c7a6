"""How the replicated storage is set up: surveyed, keyed, monitors, managers, disks, pool, HEALTH_OK."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Conflict, Text
from controller.actions.storage import NAME, SetUpStorage, find
from controller.actions.storage import name as disk_name
from controller.drivers import ceph_keys
from controller.jobs.steps import Say, Step
from controller.records.cluster import Storage
from controller.workers import nodes_state, storage_logs, storage_plan, storage_waits
from controller.workers.nodes_play import Play, play
from controller.workers.site import Site
from controller.workers.storage_plan import Members, NewDisk
from controller.workers.storage_survey import Surveyed, place, survey

_SHELL = Path("/etc/ceph/ceph.client.admin.keyring")
_QUORUM = 120.0  # seconds
_HEALTHY = 300.0
_CLOCKS = 0.5  # seconds between two nodes' clocks beyond which nothing is begun


class ClocksApart(Conflict):
    """The nodes do not agree on the time."""

    code = "storage.clocks_apart"
    text = Text(
        "节点 {node} 的时钟相差 {seconds} 秒", "The clock of node {node} is off by {seconds} s"
    )
    hint = Text("请先校时（chrony）。", "Set the clocks first (chrony).")


class VersionsApart(Conflict):
    """The nodes run different versions of Ceph."""

    code = "storage.versions_apart"
    text = Text("节点的 Ceph 版本不一致：{why}", "The nodes run different versions of Ceph: {why}")
    hint = Text("请让各节点使用同一镜像。", "Let all nodes run the same image.")


def set_up(action: SetUpStorage, site: Site) -> Sequence[Step]:
    """Steps of `storage.setup`: from joined nodes with empty disks to HEALTH_OK."""
    work = _SetUp(action, site)
    return [
        Step("survey", Text("检查节点与磁盘", "Survey nodes and disks"), work.look),
        Step("keys", Text("生成密钥", "Make the keys"), work.keys, work.drop_keys),
        Step(
            "daemons",
            Text("启动监视器与管理器", "Bring up monitors and managers"),
            work.daemons,
            work.tear_down,
        ),
        Step("quorum", Text("等待法定数", "Wait for the quorum"), work.quorum),
        Step("disks", Text("初始化磁盘", "Make the disks' stores"), work.disks),
        Step("pool", Text("建立三副本存储池", "Make the pool, three copies"), work.pool),
        Step("healthy", Text("等待 HEALTH_OK", "Wait for HEALTH_OK"), work.healthy),
        Step("record", Text("记录存储", "Record the storage"), work.record),
    ]


class _SetUp:
    """The steps' deeds; everything in here is derived from the action and the job's id."""

    def __init__(self, action: SetUpStorage, site: Site) -> None:
        self._site = site
        self._nodes = action.names()
        self._paths = action.paths()

    def look(self, say: Say) -> None:
        """Examine nodes and disks; change nothing."""
        versions: dict[str, str] = {}
        for name in self._nodes:
            host = self._site.node(name).host
            versions[name] = host.run(["ceph", "--version"]).text.split()[2]
            off = abs(float(host.run(["date", "+%s.%N"]).text) - clock.now().timestamp())
            if off > _CLOCKS:
                raise ClocksApart(node=name, seconds=round(off, 2))
        if len(set(versions.values())) != 1:
            raise VersionsApart(why=str(versions))
        for node, path in self._paths:
            seen = survey(self._site.node(node).host, path)
            say(f"{node}:{path} -> {seen.stable} {seen.size_mib} MiB {seen.serial}")
            self._remember(node, path, seen)

    def _remember(self, node: str, path: str, seen: Surveyed) -> None:
        def work(session: Session) -> None:
            row = find(session, disk_name(node, path))
            row.serial, row.size_mib = seen.serial, seen.size_mib

        self._site.change(work)

    def keys(self, _say: Say) -> None:
        """Make keyrings and the monitors' map; keep who bears what."""
        site, host = self._site, self._site.home.host
        kept = storage_plan.first_members(site, self._nodes)
        folder = storage_plan.folder(site)
        ceph_keys.first_keys(host, folder, kept.managers)
        host.run(monmap(kept, folder / "monmap"))
        storage_plan.keep(site, kept)
        # For root at this node's shell: `ceph -s` as everybody knows it.
        host.run(["install", "-d", "-m", "0755", str(_SHELL.parent)])
        host.run(["ln", "-sfn", str(folder / ceph_keys.ADMIN), str(_SHELL)])

    def drop_keys(self, _say: Say) -> None:
        """Remove the keys of a cluster that was not made."""
        folder = str(storage_plan.folder(self._site))
        self._site.home.host.run(["rm", "-rf", "--", folder, str(_SHELL)])

    def daemons(self, say: Say) -> None:
        """Run the roles, without disks yet."""
        storage_plan.run(self._site, say, self._nodes, {})

    def tear_down(self, say: Say) -> None:
        """Take everything off the nodes again; the disks were empty before this job."""
        told = {
            "ceph": {
                "secret": storage_plan.first_members(self._site, self._nodes).secret,
                "wiped": {
                    node: [path for name, path in self._paths if name == node]
                    for node in self._nodes
                },
            }
        }
        nodes = nodes_state.of_members(self._site, self._nodes)
        play(self._site, say, nodes, Play("storage-remove.yml", told))

    def quorum(self, say: Say) -> None:
        """Wait until every monitor takes part, then set what holds for all."""
        kept = storage_plan.members(self._site)
        cluster = storage_plan.cluster(self._site)

        def missing() -> str:
            status = cluster.ask("status")
            away = {one.name for one in kept.monitors} - set(status["quorum_names"])
            if away:
                return f"监视器 monitors: {', '.join(sorted(away))}"
            return "" if status["mgrmap"]["available"] else "管理器 manager"

        storage_waits.until(missing, say, _QUORUM)
        cluster.settle()

    def disks(self, say: Say) -> None:
        """Give each disk its number and run the roles with them."""
        site, cluster = self._site, storage_plan.cluster(self._site)
        made: dict[str, list[NewDisk]] = {}
        for node, path in self._paths:
            identity = storage_plan.disk_uuid(site, disk_name(node, path))
            number = cluster.new_osd(identity)
            where = place(site.node(node).host, path)
            made.setdefault(node, []).append(NewDisk(number, identity, *where))

            def work(
                session: Session, node: str = node, path: str = path, osd: int = number
            ) -> None:
                find(session, disk_name(node, path)).osd = osd

            site.change(work)
        storage_plan.bring_up(self._site, say, made)

    def pool(self, _say: Say) -> None:
        """Make the pool of all volumes."""
        storage_plan.cluster(self._site).make_pool()

    def healthy(self, say: Say) -> None:
        """Wait for HEALTH_OK; a daemon that went on without authentication is an error."""
        cluster = storage_plan.cluster(self._site)
        storage_waits.healthy(cluster, len(self._paths), say, _HEALTHY)
        for name in self._nodes:
            storage_logs.no_open_door(self._site.node(name).host)

    def record(self, _say: Say) -> None:
        """Write down what there is now."""
        kept = storage_plan.members(self._site)

        def work(session: Session) -> None:
            row = session.get(Storage, NAME)
            if row is None:
                return
            row.state, row.since = "ok", clock.iso()
            row.facts = {**(row.facts or {}), **known(kept)}
            for node, path in self._paths:
                disk = find(session, disk_name(node, path))
                disk.state, disk.since = "in", clock.iso()

        self._site.change(work)
        self._site.report(storage=NAME, fsid=kept.fsid, disks=len(self._paths))


def known(kept: Members) -> dict[str, object]:
    """Return what everybody may know of the cluster: where it is and which secret of libvirt's opens it."""
    return {"fsid": kept.fsid, "secret": kept.secret, "monitors": kept.addresses}


def monmap(kept: Members, path: Path) -> list[str]:
    """Return the command that writes the first map of the monitors."""
    whom = [w for m in kept.monitors for w in ("--addv", m.name, f"[v2:{m.address}:3300]")]
    release = ["--set-min-mon-release", "reef", "--enable-all-features"]
    return ["monmaptool", "--create", "--clobber", "--fsid", kept.fsid, *release, *whom, str(path)]
