"""What every probe works with: the running processes, and the form in which it tells what it saw."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from network.gateway.layout import NAMES, Layout
from network.gateway.standing import Say, Standing, Told, standing

Verdict = Literal["refused", "OPEN", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What one probe saw: its name, from where to where it went, the verdict and the evidence."""

    probe: str
    source: str
    target: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Scene:
    """The running processes and how they were laid out; `launcher` is the root process's number."""

    layout: Layout
    front: Standing
    guard: Standing
    back: Standing
    scan: Standing
    launcher: int

    @property
    def legs(self) -> tuple[Standing, Standing]:
        """The two processes that have a network."""
        return (self.front, self.back)

    @property
    def all(self) -> tuple[Standing, ...]:
        """All four."""
        return (self.front, self.guard, self.back, self.scan)

    @property
    def pairs(self) -> tuple[tuple[Standing, Standing], ...]:
        """Both directions between the legs."""
        return ((self.front, self.back), (self.back, self.front))

    @property
    def crossings(self) -> tuple[tuple[Standing, Standing], ...]:
        """From each process to each other one."""
        return tuple(itertools.permutations(self.all, 2))


Probe = Callable[[Scene], Iterator[Finding]]


def scene(layout: Layout) -> Scene:
    """Read the running gateway; raises `NotRunning`."""
    try:
        pids = json.loads(layout.pids.read_bytes())
    except (OSError, ValueError):
        pids = {}
    found = {name: standing(name, int(pids.get(name, 0))) for name in NAMES}
    parent = found["guard"].read("status").split("PPid:")[1].split()[0]
    return Scene(layout, **found, launcher=int(parent))


def judged(refused: bool | None, is_open: bool) -> Verdict:  # noqa: FBT001 - a truth table
    """OPEN wins; refused must have been seen; else unknown."""
    if is_open:
        return "OPEN"
    return "refused" if refused else "unknown"


def attempted(attempts: Mapping[str, Callable[[], str]]) -> Callable[[Say], None]:
    """Return an act that makes each attempt; one that raises `OSError` was refused, one that returns was not.

    The line it says holds `open` (what came through) and `refused` (what the kernel said), by name.
    """

    def act(say: Say) -> None:
        opened, refused = [], []
        for name, attempt in attempts.items():
            try:
                opened.append(f"{name}: {attempt()}")
            except OSError as error:
                refused.append(f"{name}: {error.strerror or error}")
        say({"open": "; ".join(opened), "refused": "; ".join(refused)})

    return act


def told_of(name: str, source: str, target: str, told: Told) -> Finding:
    """Return the finding of an act made by `attempted`."""
    is_open, refused = bool(told.get("open")), bool(told.get("refused"))
    evidence = f"came through: {told['open']}" if is_open else told.get("refused", str(told))
    return Finding(name, source, target, judged(refused, is_open), evidence)
