"""A box that has lived a little: its records and keys, to be exported and restored elsewhere."""

import dataclasses
import io
import json
import socket

from appliance.sealing import Passphrase
from appliance.secret import Secret
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.actions.base import Role
from controller.actions.nodes import InspectNode
from controller.actions.principal import Principal
from controller.jobs import queue
from controller.jobs.ledger import Ledger
from controller.records import copying
from controller.records.cluster import ConsoleSession
from controller.records.migrate import upgrade
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, JobLine, Node
from controller.workers.records_export import pack
from controller.workers.seals import Seals
from tests.unit.controller.records.wishes import creation

HERE = socket.gethostname()
WORDS = Secret("correct horse battery")
WHO = Principal("-", "sysadmin", Role.SYSTEM, via="test")


def quiet(_line):
    pass


@dataclasses.dataclass
class Keeper:
    """A box that has lived a little: people, two nodes, jobs, a sealed chain, keys, a job in hand."""

    settings: Settings
    running: str = ""

    @classmethod
    def at(cls, folder, url):
        settings = Settings(state=folder / "state", run=folder / "run", database_url=url)
        (settings.state / "db").mkdir(parents=True)
        return cls(settings)

    def live(self) -> None:
        upgrade(self.settings.database)
        key = SigningKey.load_or_new(self.settings.keys / "audit.key")
        (self.settings.keys / "ca.key").write_text("the CA's own")
        engine = open_records(self.settings.database)
        with transaction(engine) as session:
            session.add(Account(id="a", name="sysadmin", role="system", created_at="now"))
            session.add_all([Node(name="old-home", home=True), Node(name=HERE)])
        with transaction(engine) as session:
            first = queue.submit(session, WHO, creation("his-1", "old-home"))
            second = queue.submit(session, WHO, InspectNode("old-home"))
            session.add(JobLine(job_id=first.id, at="now", line="第一行"))
            session.add(
                ConsoleSession(
                    id="c", vm_id="v", vm_name="v", account="a", kind="serial", state="closed", job_id="",
                    asked_at="now", bytes_out=5_000_000_000,
                )
            )  # fmt: skip
            first.state, second.state = "running", "succeeded"
        ledger = Ledger(self.settings.state / "worker")
        for job in (first, second):
            ledger.accept(job.id, job.kind, job.action, queue.binding(job))
        self.running = first.id
        Seals(self.settings.state / "audit" / "seals.jsonl", key).seal(engine)
        engine.dispose()

    def export(self, lock=None) -> io.BytesIO:
        held, engine = io.BytesIO(), open_records(self.settings.database)
        pack(self.settings, engine, held, lock or Passphrase(WORDS))
        engine.dispose()
        held.seek(0)
        return held

    def rows(self) -> dict[str, list[dict]]:
        engine = open_records(self.settings.database)
        with reading(engine) as session:
            found = {
                name: [json.loads(line) for line in copying.lines(session, name)]
                for name in copying.names()
            }
        engine.dispose()
        return found
