"""A toy trade on real SQLite and a real folder: every step makes a file, its reverse takes it away."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from sqlalchemy import select

from appliance.errors import Conflict, Failed, Text
from appliance.signing import SigningKey
from controller.actions.base import Action, Role
from controller.actions.principal import Principal
from controller.jobs.desk import Desk, unwatched
from controller.jobs.ledger import Ledger
from controller.jobs.queue import submit
from controller.jobs.runner import Runner, Trade
from controller.jobs.steps import Step
from controller.records.session import open_records, transaction
from controller.records.tables import Account, Base, Job, JobLine, JobStep
from controller.workers.seals import Seals
from tests import postgres

STEPS = ("one", "two", "three")


@dataclass(frozen=True)
class Build(Action):
    """Make three files named after `name`; `breaks` names a step that fails."""

    name: str
    breaks: str
    kind: ClassVar[str] = "toy.build"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text("建造 {name}", "Build {name}")

    @property
    def object(self) -> str:
        return f"toy/{self.name}"

    def ready(self, session, job_id) -> None:
        if self.name == "late":
            raise Conflict(why="too late")


@dataclass
class World:
    """Everything below one folder; opened anew after a fork."""

    folder: Path
    seen: list[tuple[str, str]] = field(default_factory=list)
    gate: Callable[[str], None] = lambda _step: None

    def __post_init__(self) -> None:
        self.engine = open_records(postgres.fresh(self.folder, self.folder / "toy.sqlite"))
        self.ledger = Ledger(self.folder / "ledger")
        self.made = self.folder / "made"
        self.made.mkdir(exist_ok=True)

    @classmethod
    def new(cls, folder: Path) -> "World":
        world = cls(folder)
        Base.metadata.create_all(world.engine)
        with transaction(world.engine) as session:
            for name, role in (("sam", "system"), ("sue", "security")):
                session.add(Account(id=name, name=name, role=role, created_at="now"))
        SigningKey.load_or_new(folder / "audit.key")
        return world

    def ask(self, name: str = "hut", breaks: str = "") -> str:
        who = Principal("sam", "sam", Role.SYSTEM)
        with transaction(self.engine) as session:
            return submit(session, who, Build(name, breaks)).id

    def plan(self, _job: str, action: Build) -> list[Step]:
        def step(key: str) -> Step:
            path = self.made / f"{action.name}.{key}"

            def do(say) -> None:
                self.gate(key)
                self.seen.append(("do", key))
                path.write_text("made")
                say(f"made {key}")
                if action.breaks == key:
                    raise Failed(what=key, why="it was to break")

            def undo(_say) -> None:
                self.seen.append(("undo", key))
                path.unlink(missing_ok=True)

            return Step(key, Text(key, key), do, undo)

        return [step(key) for key in STEPS]

    def seals(self) -> Seals:
        return Seals(self.folder / "seals.jsonl", SigningKey.load(self.folder / "audit.key"))

    def runner(self, boundary=unwatched) -> Runner:
        trade = Trade({"toy.build": Build}, self.plan, self.seals().last)
        return Runner(Desk(self.engine, self.ledger, boundary), trade, "toy", lease=5)

    def work(self, boundary=unwatched) -> None:
        """Recover, then run what there is until nothing begins any more."""
        runner = self.runner(boundary)
        runner.recover()
        runner.settle(20)
        while runner.tick():
            runner.settle(20)

    def die_at(self, step: str, phase: str) -> bool:
        """Work in a child that SIGKILLs itself at that boundary; return whether it did."""
        child = os.fork()
        if child == 0:
            try:
                World(self.folder).work(_deadly(step, phase))
            finally:
                os._exit(0)
        return os.waitpid(child, 0)[1] == signal.SIGKILL

    def job(self, job_id: str) -> Job:
        with transaction(self.engine) as session:
            return session.get(Job, job_id)

    def steps(self, job_id: str) -> dict[str, str]:
        with transaction(self.engine) as session:
            rows = session.scalars(select(JobStep).where(JobStep.job_id == job_id))
            return {row.key: row.state for row in rows}

    def lines(self, job_id: str) -> list[str]:
        with transaction(self.engine) as session:
            return list(session.scalars(select(JobLine.line).where(JobLine.job_id == job_id)))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.made.iterdir())


def _deadly(at_step: str, at_phase: str):
    def boundary(_job: str, step: str, phase: str) -> None:
        if (step, phase) == (at_step, at_phase):
            os.kill(os.getpid(), signal.SIGKILL)

    return boundary
