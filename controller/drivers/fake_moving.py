"""How the fake hypervisor moves a VM to another fake: by time, so that it goes on without the process."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from appliance import clock
from controller.drivers.base import EngineFailed, Target

_INCOMING = ".incoming"
_BEAT = 0.02  # seconds between two looks at a move


@dataclass(frozen=True)
class Crossing:
    """A move that was begun: whoever looks after `due` finds the VM on the other side."""

    vm_id: str
    origin: Path
    goal: Path

    def begin(self, seconds: float) -> None:
        """Note it on the other side; one that runs already stays as it is."""
        self.goal.mkdir(parents=True, exist_ok=True)
        if not self._note.exists():
            now = clock.now()
            facts = {
                "from": self.origin.name,
                "began": clock.iso(now),
                "due": clock.iso(now + timedelta(seconds=seconds)),
            }
            fresh = self._note.with_suffix(".new")
            fresh.write_text(json.dumps(facts), "utf-8")
            fresh.replace(self._note)

    def part(self) -> float | None:
        """How far it has come, 0.0 to 1.0; None when nothing is under way."""
        try:
            facts = json.loads(self._note.read_text("utf-8"))
        except FileNotFoundError:
            return None
        began, due = clock.read_iso(facts["began"]), clock.read_iso(facts["due"])
        whole = (due - began).total_seconds()
        return min(1.0, (clock.now() - began).total_seconds() / whole) if whole > 0 else 1.0

    def settle(self) -> None:
        """Bring the VM over if it is time: one rename, so that it is never on both sides."""
        if self.part() == 1.0:
            file = self.origin / f"{self.vm_id}.json"
            if file.exists():
                file.replace(self.goal / file.name)
            self._note.unlink(missing_ok=True)

    def cancel(self) -> None:
        """Stay where it is."""
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.goal / f".{self.vm_id}{_INCOMING}"


def goal_of(origin: Path, target: Target) -> Path:
    """Return the folder that `fake://NODE` means, beside this fake's own; raises `EngineFailed`."""
    kind, _, node = target.uri.partition("://")
    if kind != "fake" or not node or "/" in node:
        raise EngineFailed(what="migrate", why=f"not another fake: {target.uri}")
    if node == origin.name:
        raise EngineFailed(what="migrate", why="source and target are the same")
    return origin.parent / node


def outgoing(origin: Path, vm_id: str) -> Crossing | None:
    """Return the move of that VM away from here, if one runs."""
    for note in origin.parent.glob(f"*/.{vm_id}{_INCOMING}"):
        if _from(note) == origin.name:
            return Crossing(vm_id, origin, note.parent)
    return None


def settle_all(here: Path) -> None:
    """Bring about what is due, towards here and away from here."""
    for note in here.parent.glob(f"*/.*{_INCOMING}"):
        origin = _from(note)
        if origin and here.name in {origin, note.parent.name}:
            vm_id = note.name.removeprefix(".").removesuffix(_INCOMING)
            Crossing(vm_id, here.parent / origin, note.parent).settle()


def wait() -> None:
    """Pause for one beat."""
    clock.pause(_BEAT)


def _from(note: Path) -> str:
    try:
        return str(json.loads(note.read_text("utf-8"))["from"])
    except FileNotFoundError:
        return ""
