"""A worker's place without the box: real records, a real journal with its keys; only programs are not run."""

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path

from appliance import clock
from appliance.host import Result
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.records.exchange import Transfer
from controller.records.session import open_records, transaction
from controller.records.tables import Base, Job
from controller.workers.site import NodeDrivers, Site
from network.gateway import vault
from network.gateway.journal import Journal

JOB = "11111111-1111-4111-8111-111111111111"


@dataclass
class Programs:
    """Stands for the machine: says what was asked of it and answers with `code`."""

    name: str = "node1"
    code: int = 0
    asked: list[list[str]] = field(default_factory=list)

    def run(self, argv, **_more) -> Result:
        self.asked.append(list(argv))
        return Result(tuple(argv), self.code, b"", b"")


def place(folder: Path) -> Site:
    engine = open_records(f"sqlite:///{folder / 'box.sqlite'}")
    Base.metadata.create_all(engine)
    gateway = folder / "gateway"
    (gateway / "journal").mkdir(parents=True)
    policy = {"channels": [{"id": "booking", "data_class": "3", "purpose": "预约挂号"}]}
    (gateway / "policy.signed").write_text("ed25519 00\n" + json.dumps(policy))
    SigningKey.new().save(folder / "keys" / "report.key")
    vault.ensure(folder / "keys" / vault.FILE)
    host = Programs()
    drivers = NodeDrivers(FakeHypervisor(folder), DirStorage(folder / "volumes", host), host)
    return Site(Settings(state=folder, run=folder / "run"), engine, {"node1": drivers}, job_id=JOB)


def journal(site: Site) -> Journal:
    folder = site.settings.state / "gateway" / "journal"
    made = Journal(folder, vault.load(site.settings.keys / vault.FILE))
    list(made.recover())
    return made


def transfer(number: int, *, minutes: float = 0.0, **more) -> Transfer:
    """A row as the index makes it, that many minutes old."""
    at = clock.iso(clock.now() - dt.timedelta(minutes=minutes))
    held = {
        "number": number, "at": at, "channel": "booking", "direction": "extranet->intranet",
        "lane": "store", "verdict": "allowed", "rule": "", "data_class": "3", "peer": "10.88.0.10",
        "size": 100, "state": "delivered", "latency_ms": 5.0, "hash": f"{number:064x}",
        "delivery": f"d{number}", "ended_at": at, "kind": "SIU^S12",
    }  # fmt: skip
    if more.get("verdict") == "refused":
        held |= {"state": "refused", "latency_ms": None, "lane": "", "delivery": ""}
    if more.get("state") == "accepted":
        held |= {"latency_ms": None, "ended_at": None}
    return Transfer(**(held | more))


def keep(site: Site, *rows: object) -> None:
    with transaction(site.engine) as session:
        session.add_all(rows)


def job_row(site: Site, actor: str = "secadmin") -> None:
    keep(
        site,
        Job(
            id=JOB, number=1, kind="x", action={}, title_zh="", title_en="", object="o/1",
            actor=actor, role="security", locks=[], state="running", audit_number=1,
            created_at=clock.iso(),
        ),
    )  # fmt: skip
