"""A box of two nodes that lives in files: fake engines, real `dir` storage, real records, ledger and keys."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select

from appliance import clock
from appliance.errors import Failed
from appliance.host import LocalHost, Result
from appliance.node_ca import NodeAuthority
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.actions import ACTIONS
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage import StorageAbility
from controller.drivers.storage_dir import DirStorage
from controller.jobs.desk import Desk, unwatched
from controller.jobs.ledger import Ledger
from controller.jobs.runner import Runner, Trade
from controller.records.cluster import Storage
from controller.records.session import (
    PATIENCE,
    RecordsAway,
    open_records,
    reading,
    transaction,
)
from controller.records.tables import Job, Node
from controller.workers import WORKERS, nodes_network
from controller.workers.changebook import ChangeBook
from controller.workers.fleet import Fleet
from controller.workers.seals import Seals
from controller.workers.site import NodeDrivers, Site
from tests.unit.controller.workers.box import Box

HOME, OTHER = "n1", "n2"
_LONGEST = 40.0  # seconds until every job must have ended
_AGAIN = 0.1  # seconds between two looks at records that are away


class Machine(LocalHost):
    """A node's own system: its files lie in a folder, its programs are noted and answer nothing.

    Only what works on files of ours alone is really run. `missing` are programs that are not there.
    """

    TRUE = frozenset(
        {"qemu-img", "setpriv", "xorriso", "sha256sum", "clamscan", "sigtool", "prlimit"}
    )

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self._root = root

    def run(self, argv, **given) -> Result:
        if argv[0] in self.TRUE:
            return super().run(argv, **given)
        if "network.gateway.probing" in argv:
            return Result(tuple(argv), 0, b'{"findings": [], "facts": {}}', b"")
        empty = {"nft": b'{"nftables": []}', "ip": b"[]", "bridge": b"[]"}
        return Result(tuple(argv), 0, empty.get(argv[0], b""), b"")

    def read(self, path: str) -> bytes:
        return self._place(path).read_bytes()

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        super().write(str(self._place(path)), data, mode=mode)

    def _place(self, path: str) -> Path:
        return self._root / path.lstrip("/")


class FakeFleet(Fleet):
    """The nodes of the records, with this world's engines behind them."""

    drivers: dict[str, NodeDrivers]

    def __getitem__(self, name: str) -> NodeDrivers:
        if name not in {member.name for member in self.members()}:
            raise KeyError(name)
        return self.drivers[name]

    def why_away(self, name: str) -> str | None:
        return None


class SharedDir(DirStorage):
    """A folder that both nodes reach, as they reach Ceph."""

    name = "rbd"
    abilities = DirStorage.abilities | {StorageAbility.SHARED}


@dataclass
class World(Box):
    """Everything below `folder`, opened anew by every process; `url` names its records."""

    url: str = ""
    patience: float = PATIENCE  # seconds that a database which is away is waited for
    lease: float = 5.0  # seconds
    around: Callable[[Site], Site] = lambda site: site

    @classmethod
    def make(cls, folder: Path, url: str) -> "World":
        """The first state: keys, people, two nodes, an empty policy."""
        folder.mkdir(parents=True)
        (folder.parent / "image").mkdir(exist_ok=True)
        image = folder.parent / "image" / "disk.qcow2"
        LocalHost().run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "64M"])
        (image.parent / "image.json").write_text('{"cmdline": "root=/dev/vda"}')
        box = Box.new.__func__(lambda _folder: cls(folder, url=url), folder)
        NodeAuthority.of(folder).ensure()
        with transaction(box.engine) as session:
            for name in (HOME, OTHER):
                facts = {"cpu": {"cores": 8}, "memory": {"total_mib": 65536}}
                session.add(
                    Node(
                        name=name,
                        accelerator="tcg",
                        facts=facts,
                        home=name == HOME,
                        address=f"10.10.0.{name[1]}",
                        seen_at=clock.iso(),
                    )
                )
            session.add(Storage(name="rbd", kind="rbd", state="ok"))
        nodes_network.push(box.site, lambda _line: None)
        return box

    def __post_init__(self) -> None:
        (self.folder / "db").mkdir(exist_ok=True)
        self.settings = Settings(state=self.folder, run=self.folder / "run", database_url=self.url)
        self.engine = open_records(self.url, patience=self.patience)
        base = self.folder.parent / "image"
        images = {"guest-base": base / "disk.qcow2"}
        nodes = {}
        for name in (HOME, OTHER):
            nodes[name] = NodeDrivers(
                FakeHypervisor(self.folder / "engines" / name),
                DirStorage(self.folder / f"volumes-{name}", LocalHost(), images),
                Machine(self.folder / "roots" / name, name),
                uri=f"fake://{name}",
            )
        shared = {"rbd": SharedDir(self.folder / "volumes-rbd", LocalHost(), images)}
        fleet = FakeFleet(self.settings, self.engine, here=HOME)
        fleet.drivers = nodes
        self.site = self.around(
            Site(self.settings, self.engine, fleet, guest_base=base, shared=shared)
        )
        self.book = ChangeBook(self.settings)

    def work(self, boundary=unwatched, breaks: int | None = None) -> None:
        """Be a worker until no job is left; `breaks` is the position of a step that fails."""
        seals = Seals(
            self.folder / "audit" / "seals.jsonl",
            SigningKey.load(self.settings.keys / "audit.key"),
        )
        seals.seal(self.engine)
        desk = Desk(self.engine, Ledger(self.folder / "worker"), boundary)

        def plan(job_id, action):
            steps = list(WORKERS[action.kind](action, replace(self.site, job_id=job_id)))
            if breaks is not None:
                steps[breaks] = replace(steps[breaks], do=_broken)
            return steps

        runner = Runner(desk, Trade(ACTIONS, plan, seals.last), "crash", lease=self.lease)
        end = clock.monotonic() + _LONGEST
        runner.recover()
        runner.settle(_LONGEST)
        while self._more(runner) and clock.monotonic() < end:
            runner.settle(_LONGEST)
        self.engine.dispose()

    def _more(self, runner: Runner) -> bool:
        """Claim what there is; whether anything is left to do. Away records are asked again."""
        try:
            return runner.tick() or self.left()
        except RecordsAway:
            clock.pause(_AGAIN)
            return True

    def left(self) -> bool:
        """Whether any job has not ended."""
        with reading(self.engine) as session:
            states = set(session.scalars(select(Job.state)))
        return bool(states & {"waiting", "running", "undoing"})

    def last(self) -> Job:
        """The newest job."""
        with reading(self.engine) as session:
            return session.scalars(select(Job).order_by(Job.number.desc())).first()

    def write(self, *rows: object) -> None:
        """Put rows into the records, as a case needs them."""
        with transaction(self.engine) as session:
            session.add_all(rows)


def _broken(_say) -> None:
    raise Failed(what="step", why="it was to break")
