"""A box's worker without the box: real records, ledger, seals, keys and files; only systemctl is noted."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select

from appliance.host import LocalHost, Result
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.actions import ACTIONS
from controller.actions.base import Action, Role
from controller.actions.channels import ApproveChange, ProposeChange
from controller.actions.principal import Principal
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.jobs.desk import Desk, unwatched
from controller.jobs.ledger import Ledger
from controller.jobs.queue import submit
from controller.jobs.runner import Runner, Trade
from controller.records.exchange import ChannelChange
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, Base, Job, JobLine
from controller.workers import WORKERS
from controller.workers.changebook import ChangeBook
from controller.workers.seals import Seals
from controller.workers.site import NodeDrivers, Site
from network.gateway import policy, vault
from tests import postgres

PEOPLE = {"sam": Role.SYSTEM, "sue": Role.SECURITY, "sid": Role.SECURITY, "aud": Role.AUDIT}

CHANNEL = """\
# 检验报告推送
id = "lab-report"
purpose = "检验报告推送"
data_class = "3"
direction = "intranet->extranet"
lane = "store"
peer = "10.66.0.20"
target = "http://10.88.0.10:8080"
method = "POST"
path = "/fhir/Observation"
resource = "Observation"
request = [
  { path = "resourceType", type = "code", required = true, values = ["Observation"] },
  { path = "id", type = "id", required = true },
  { path = "status", type = "code" },
]
rate = 600
"""


class Quiet(LocalHost):
    """This machine, but for the units of a box, which it has not: what is asked of them is noted."""

    def __init__(self, asked, broken) -> None:
        self.asked = asked
        self.broken = broken

    def run(self, argv, **given) -> Result:
        if argv[0] != "systemctl":
            return super().run(argv, **given)
        self.asked.append(tuple(argv[1:]))
        if self.broken:
            raise self.broken.pop()
        return Result(tuple(argv), 0, b"", b"")


@dataclass
class Box:
    folder: Path
    asked: list[tuple[str, ...]] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)

    @classmethod
    def new(cls, folder: Path) -> "Box":
        box = cls(folder)
        (folder / "gateway" / "journal").mkdir(parents=True)
        for name in ("audit", "policy", "report"):
            SigningKey.load_or_new(box.settings.keys / f"{name}.key")
        vault.ensure(box.settings.keys / vault.FILE)
        Base.metadata.create_all(box.engine)
        with transaction(box.engine) as session:
            for name, role in PEOPLE.items():
                session.add(Account(id=name, name=name, role=str(role), created_at="now"))
        policy.write(folder / "gateway", policy.Policy(1, "now"), box.policy_key)
        return box

    def __post_init__(self) -> None:
        (self.folder / "db").mkdir(exist_ok=True)
        url = postgres.fresh(self.folder, self.folder / "db" / "hbox.sqlite")
        self.settings = Settings(state=self.folder, database_url=url)
        self.engine = open_records(self.settings.database)
        drivers = NodeDrivers(
            FakeHypervisor(self.folder / "fake"),
            DirStorage(self.folder / "volumes", LocalHost()),
            Quiet(self.asked, self.broken),
        )
        self.site = Site(self.settings, self.engine, {"n0": drivers})
        self.book = ChangeBook(self.settings)

    @property
    def policy_key(self) -> SigningKey:
        return SigningKey.load(self.settings.keys / "policy.key")

    def ask(self, who: str, action: Action) -> str:
        with transaction(self.engine) as session:
            return submit(session, Principal(who, who, PEOPLE[who]), action).id

    def work(self, boundary=unwatched) -> None:
        seals = Seals(
            self.folder / "seals.jsonl", SigningKey.load(self.settings.keys / "audit.key")
        )
        desk = Desk(self.engine, Ledger(self.folder / "worker"), boundary)

        def plan(job_id, action):
            return WORKERS[action.kind](action, replace(self.site, job_id=job_id))

        runner = Runner(desk, Trade(ACTIONS, plan, seals.last), "box", lease=5)
        runner.recover()
        runner.settle(20)
        while runner.tick():
            runner.settle(20)

    def done(self, who: str, action: Action) -> Job:
        """Ask, let the worker work, return the job as it ended."""
        job_id = self.ask(who, action)
        self.work()
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        with reading(self.engine) as session:
            return session.get(Job, job_id)

    def lines(self, job_id: str) -> str:
        with reading(self.engine) as session:
            found = session.scalars(select(JobLine.line).where(JobLine.job_id == job_id))
            return "\n".join(found)

    def row(self, number: int) -> ChannelChange | None:
        with reading(self.engine) as session:
            return session.get(ChannelChange, number)

    def propose(
        self, text: str = CHANNEL, *, op="new", base=0, who="sam", name="lab-report"
    ) -> Job:
        return self.done(who, ProposeChange(op, name, base, text, "因业务需要"))

    def approve(self, number: int, who: str = "sue", digest: str = "") -> Job:
        digest = digest or self.book.get(number).digest
        return self.done(who, ApproveChange(number, digest, ""))

    def opened(self) -> dict:
        loaded = policy.load(self.folder / "gateway", self.policy_key.public)
        return {channel.id: channel for channel in loaded.policy.channels}
