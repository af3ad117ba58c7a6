"""One kind of job, killed at its boundaries: the same start each time, the ends compared."""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.actions.base import Action
from tests.crash.case import Case
from tests.crash.picture import orphans, picture
from tests.crash.world import World
from tests.postgres import Server

_CUT = 137  # how the child says that it died where it should


@dataclass(frozen=True)
class Point:
    """A boundary at which the worker dies: of the way forward, or of the way back."""

    step: str
    phase: str
    breaks: int | None = None

    def __str__(self) -> str:
        return f"{self.step or 'end'}/{self.phase}" + ("" if self.breaks is None else " back")


@dataclass
class Ground:
    """Where worlds stand: always the same folder and database, put back to a saved state at will."""

    root: Path
    server: Server | None = None

    @property
    def live(self) -> Path:
        return self.root / "live"

    @property
    def url(self) -> str:
        if self.server is None:
            return f"sqlite:///{self.live / 'db' / 'hbox.sqlite'}"
        return self.server.url(self._database)

    @property
    def _database(self) -> str:
        return "crash"

    def first(self) -> None:
        """Make the first state and save it."""
        self.root.mkdir(parents=True)
        if self.server is not None:
            self.server.create(name=self._database)
        World.make(self.live, self.url).engine.dispose()
        self.save("first")

    def save(self, name: str) -> None:
        """Keep the present state."""
        shutil.copytree(self.live, self.root / name, symlinks=True)
        if self.server is not None:
            self.server.create(self._database, f"{self._database}_{name}")

    def put_back(self, name: str) -> World:
        """Bring a kept state back and open it."""
        shutil.rmtree(self.live, ignore_errors=True)
        shutil.copytree(self.root / name, self.live, symlinks=True)
        if self.server is not None:
            self.server.drop(self._database)
            self.server.create(f"{self._database}_{name}", self._database)
        return World(self.live, url=self.url)

    def forget(self, name: str) -> None:
        """Drop a kept state."""
        shutil.rmtree(self.root / name, ignore_errors=True)
        if self.server is not None:
            self.server.drop(f"{self._database}_{name}")


@dataclass
class Trial:
    """A case on a ground: its start, how it ends undisturbed, and what every kill must come to."""

    ground: Ground
    case: Case
    action: Action

    @classmethod
    def begin(cls, ground: Ground, case: Case) -> "Trial":
        ground.forget("start")
        world = ground.put_back("first")
        world.around = case.around
        world.__post_init__()
        action = case.prepare(world)
        world.engine.dispose()
        ground.save("start")
        return cls(ground, case, action)

    def start(self) -> World:
        """The world as it is before the job is asked for."""
        world = self.ground.put_back("start")
        world.around = self.case.around
        world.__post_init__()
        return world

    def undisturbed(
        self, breaks: int | None = None
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The end without a kill, and every boundary that was passed."""
        world, seen = self.start(), []
        world.ask(self.case.who, self.action)
        world.work(lambda _job, step, phase: seen.append((step, phase)), breaks)
        job = world.last()
        assert job.state == ("succeeded" if breaks is None else "failed"), (
            job.state,
            job.error,
            world.lines(job.id),
        )
        return self.proper_picture(world), seen

    def before(self) -> dict[str, Any]:
        return self._picture(self.start())

    def killed(self, point: Point) -> dict[str, Any]:
        """Die there, work again, return the end."""
        world = self.start()
        world.ask(self.case.who, self.action)
        world.engine.dispose()
        assert self._die(point), f"never came to {point}"
        again = self._again()
        again.work(breaks=point.breaks)
        job = again.last()
        wanted = "succeeded" if point.breaks is None else "failed"
        assert job.state == wanted, f"{point}: {job.state} {job.error} {again.lines(job.id)}"
        return self.proper_picture(again)

    def proper_picture(self, world: World) -> dict[str, Any]:
        """What there is at the end, of which nothing may be half made."""
        self._proper(world)
        return self._picture(world)

    def _again(self) -> World:
        return World(self.ground.live, url=self.ground.url, around=self.case.around)

    def _die(self, point: Point) -> bool:
        child = os.fork()
        if child == 0:
            signal.alarm(50)
            self._work_until(point)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _CUT

    def _work_until(self, point: Point) -> None:
        def boundary(_job: str, step: str, phase: str) -> None:
            if (step, phase) == (point.step, point.phase):
                os._exit(_CUT)

        try:
            self._again().work(boundary, point.breaks)
        finally:
            os._exit(0)

    def _picture(self, world: World) -> dict[str, Any]:
        try:
            return picture(world, self.case.ignored)
        finally:
            world.engine.dispose()

    def _proper(self, world: World) -> None:
        left = [line for line in orphans(world) if not any(w in line for w in self.case.allowed)]
        assert left == [], f"left behind: {left}"
