"""Three nodes without machines: real records, ledger, seals and disks; only the hypervisors are fakes."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select

from appliance import chance
from appliance.host import LocalHost
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.actions import ACTIONS
from controller.actions.base import Action, Role
from controller.actions.principal import Principal
from controller.actions.vms import CreateVm
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage import StorageAbility
from controller.drivers.storage_dir import DirStorage
from controller.jobs.desk import Desk, unwatched
from controller.jobs.ledger import Ledger
from controller.jobs.queue import submit
from controller.jobs.runner import Runner, Trade
from controller.records.cluster import Nic, Snapshot, Storage
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, Base, Job, JobLine, Node, Vm, Volume
from controller.workers import WORKERS
from controller.workers.seals import Seals
from controller.workers.site import NodeDrivers, Site

NODES = ("n1", "n2", "n3")


class SharedFolder(DirStorage):
    """One folder that every node reaches: stands for replicated storage, with real qcow2 files."""

    name = "rbd"
    abilities = DirStorage.abilities | {StorageAbility.SHARED}


@dataclass
class Cluster:
    folder: Path
    crossing: float = 0.0
    images: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def new(cls, folder: Path, *, crossing: float = 0.0) -> "Cluster":
        cluster = cls(folder, crossing)
        base = folder / "base" / "disk.qcow2"
        base.parent.mkdir()
        LocalHost().run(["qemu-img", "create", "-q", "-f", "qcow2", str(base), "64M"])
        (base.parent / "image.json").write_text(json.dumps({"cmdline": "root=/dev/vda"}))
        SigningKey.load_or_new(cluster.settings.keys / "audit.key")
        Base.metadata.create_all(cluster.engine)
        with transaction(cluster.engine) as session:
            session.add(Account(id="sam", name="sam", role="system", created_at="now"))
            for name in NODES:
                facts = {"cpu": {"cores": 8}, "memory": {"total_mib": 16384}}
                row = Node(name=name, accelerator="tcg", facts=facts, home=name == "n1")
                row.address = f"10.77.0.1{NODES.index(name)}"
                session.add(row)
            session.add(Storage(name="rbd", kind="rbd", state="ok"))
        return cluster

    def __post_init__(self) -> None:
        self.settings = Settings(state=self.folder)
        (self.folder / "db").mkdir(exist_ok=True)
        self.engine = open_records(self.settings.database)
        images = {"guest-base": self.folder / "base" / "disk.qcow2"}
        nodes = {
            name: NodeDrivers(
                FakeHypervisor(self.folder / "fake" / name, crossing=self.crossing),
                DirStorage(self.folder / "volumes" / name, LocalHost(), images),
                LocalHost(),
                f"fake://{name}",
            )
            for name in NODES
        }
        self.shared = SharedFolder(self.folder / "shared", LocalHost(), images)
        self.site = Site(
            self.settings,
            self.engine,
            nodes,
            guest_base=self.folder / "base",
            shared={"rbd": self.shared},
        )

    def fake(self, node: str) -> FakeHypervisor:
        engine = self.site.nodes[node].hypervisor
        assert isinstance(engine, FakeHypervisor)
        return engine

    def ask(self, action: Action) -> str:
        with transaction(self.engine) as session:
            return submit(session, Principal("sam", "sam", Role.SYSTEM), action).id

    def runner(self, boundary=unwatched) -> Runner:
        seals = Seals(
            self.folder / "seals.jsonl", SigningKey.load(self.settings.keys / "audit.key")
        )
        desk = Desk(self.engine, Ledger(self.folder / "worker"), boundary)

        def plan(job_id, action):
            return WORKERS[action.kind](action, replace(self.site, job_id=job_id))

        return Runner(desk, Trade(ACTIONS, plan, seals.last), "here", lease=5)

    def work(self, boundary=unwatched) -> None:
        runner = self.runner(boundary)
        runner.recover()
        runner.settle(60)
        while runner.tick():
            runner.settle(60)

    def done(self, action: Action, *, ends: str = "succeeded") -> Job:
        job_id = self.ask(action)
        self.work()
        job = self.job(job_id)
        assert job.state == ends, (job.error, self.lines(job_id))
        return job

    def job(self, job_id: str) -> Job:
        with reading(self.engine) as session:
            return session.get(Job, job_id)

    def lines(self, job_id: str) -> str:
        with reading(self.engine) as session:
            return "\n".join(session.scalars(select(JobLine.line).where(JobLine.job_id == job_id)))

    def vm(self, vm_id: str) -> Vm | None:
        with reading(self.engine) as session:
            return session.get(Vm, vm_id)

    def rows(self, table):
        with reading(self.engine) as session:
            return list(session.scalars(select(table)))

    def change(self, table, key, **values) -> None:
        with transaction(self.engine) as session:
            row = session.get(table, key)
            for name, value in values.items():
                setattr(row, name, value)

    def create(self, name: str = "hut", **more) -> str:
        vm_id = chance.new_id()
        asked = {
            "zone": "extranet", "node": "n1", "vcpus": 1, "memory_mib": 512, "disk_gib": 2,
            "start": True, "storage": "rbd", **more,
        }  # fmt: skip
        self.done(CreateVm(vm_id=vm_id, name=name, **asked))
        return vm_id

    def data_volume(self, vm_id: str, name: str = "records") -> str:
        """A data volume that is the machine's, as `volume.attach` leaves it behind."""
        volume = f"{chance.new_id()}/data"
        self.shared.create(volume, 1)
        with transaction(self.engine) as session:
            session.add(
                Volume(
                    id=volume, vm_id=vm_id, kind="data", path="", name=name, storage="rbd",
                    size_gib=1, serial="data-1", created_at="2026",
                )
            )  # fmt: skip
        return volume

    def nothing_left(self) -> None:
        """No machine, volume, address or job in hand is anywhere."""
        assert [self.rows(table) for table in (Vm, Nic, Snapshot, Volume)] == [[], [], [], []]
        assert self.shared.volumes() == frozenset()
        for node in NODES:
            assert self.fake(node).states() == {}
            assert self.site.nodes[node].storage.owners() == frozenset()
        assert list((self.folder / "worker").glob("*.jsonl")) == []
