"""The worker's own notes of what it accepted and how far it came, outside the database.

Rows can be written by the web process too, so a row must not be able to make the worker believe
that a step was done. Each job in hand has one file here, readable by root only: one JSON line per
event, on disk before the deed goes on. A torn last line is an event that never was.
"""

import errno
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far a job came; `binding` is what its audit entry vouched for. Keys are step positions; `begun` counts how often each was begun."""

    kind: str
    action: dict[str, Any]
    binding: str
    begun: dict[int, int] = field(default_factory=dict)
    done: frozenset[int] = frozenset()
    undone: frozenset[int] = frozenset()
    undoing: bool = False
    ending: str = "failed"
    error: dict[str, Any] | None = None
    closing: bool = False


class Ledger:
    """All jobs in the hands of this machine's worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # whoever made it, with whatever umask

    def accept(self, job: str, kind: str, action: dict[str, Any], binding: str) -> None:
        """Note that the job was found genuine and allowed, with exactly this action.

        `binding` is the digest that its audit entry vouches for.
        """
        self._append(job, {"kind": kind, "action": action, "binding": binding})
        self._sync_folder()

    def begin(self, job: str, position: int) -> None:
        """Note that a step begins (again)."""
        self._append(job, {"begun": position})

    def done(self, job: str, position: int) -> None:
        """Note that a step's effect is there; on disk at the latest with the next note.

        A power cut in between costs no more than doing it once again.
        """
        self._append(job, {"done": position}, sync=False)

    def turn_back(self, job: str, ending: str, error: dict[str, Any] | None) -> None:
        """Note that from here on the job is undone, to end as `ending`."""
        self._append(job, {"ending": ending, "error": error})

    def close(self, job: str) -> None:
        """Note that all is done, or undone; only its end remains to be recorded."""
        self._append(job, {"closing": True})

    def undone(self, job: str, position: int) -> None:
        """Note that a step's effect is gone."""
        self._append(job, {"undone": position})

    def read(self, job: str) -> Progress | None:
        """Return how far the job came; None if it was never accepted."""
        events = self._events(job)
        if not events:
            return None
        begun: dict[int, int] = {}
        for position in _numbers(events, "begun"):
            begun[position] = begun.get(position, 0) + 1
        turn = next((event for event in events if "ending" in event), None)
        return Progress(
            kind=events[0]["kind"],
            action=events[0]["action"],
            binding=events[0]["binding"],
            begun=begun,
            done=frozenset(_numbers(events, "done")),
            undone=frozenset(_numbers(events, "undone")),
            undoing=turn is not None,
            ending=turn["ending"] if turn else "failed",
            error=turn["error"] if turn else None,
            closing=any("closing" in event for event in events),
        )

    def jobs(self, known: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Ids of all jobs in hand; a file that was cut off in its first line stands for none.

        Those `known` to be whole are not read for that.
        """
        names = (path.stem for path in sorted(self._folder.glob("*.jsonl")))
        return tuple(name for name in names if name in known or self._events(name))

    def forget(self, job: str) -> None:
        """The job has ended and its outcome is recorded."""
        self._path(job).unlink(missing_ok=True)

    def _path(self, job: str) -> Path:
        return self._folder / f"{Path(job).name}.jsonl"

    def _events(self, job: str) -> list[dict[str, Any]]:
        try:
            raw = self._path(job).read_bytes()
        except FileNotFoundError:
            return []
        whole = raw[: raw.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    def _append(self, job: str, event: dict[str, Any], *, sync: bool = True) -> None:
        path = self._path(job)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            end = _whole_length(descriptor)
            os.ftruncate(descriptor, end)
            line = json.dumps(event).encode() + b"\n"
            if os.pwrite(descriptor, line, end) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _whole_length(descriptor: int) -> int:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1


def _numbers(events: list[dict[str, Any]], name: str) -> list[int]:
    return [event[name] for event in events if name in event]
