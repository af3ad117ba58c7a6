"""Long-running programs of a lab: started detached, known by process id and start time, ended by it.

A process id alone may belong to somebody else by now; with the start time beside it, nothing foreign is
ever signalled.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import monotonic, pause
from appliance.errors import Failed, Text
from appliance.host import Host

# The shell notes its own id and start time (field 22 of stat), then becomes the program.
_SCRIPT = """set -eu
note=$1; log=$2; count=$3; shift 3
exec </dev/null >>"$log" 2>&1
while [ "$count" -gt 0 ]; do echo $$ >"$1/cgroup.procs"; shift; count=$((count - 1)); done
pid=$$
stat=$(cat "/proc/$pid/stat")
start=$(echo "${stat##*) }" | cut -d' ' -f20)
echo "$pid $start" >"$note.new"
mv "$note.new" "$note"
exec "$@"
"""


class NotStarted(Failed):
    """A program of the lab ended at once."""

    code = "lab.not_started"
    text = Text("{what} 启动失败：{why}", "{what} did not start: {why}")


@dataclass(frozen=True)
class Process:
    """One process; `start` is in clock ticks since boot."""

    pid: int
    start: int

    def alive(self) -> bool:
        """Whether this very process runs (a zombie does not)."""
        found = _stat(self.pid)
        return found is not None and found[0] not in "ZX" and found[1] == self.start

    def send(self, number: int) -> None:
        """Send a signal to this very process, or to nobody."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                # The handle is bound to whoever has the id now; only then is the start time proof.
                if self.alive():
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def end(self, *, patience: float = 5.0) -> None:
        """Ask it to end; kill it after `patience` seconds."""
        self.send(signal.SIGTERM)
        if not self.wait(patience):
            self.send(signal.SIGKILL)
            self.wait(patience)

    def wait(self, patience: float) -> bool:
        """Wait up to `patience` seconds; return whether it is gone."""
        deadline = monotonic() + patience
        while self.alive():
            if monotonic() > deadline:
                return False
            pause(0.05)
        return True


def spawn(
    host: Host, argv: Sequence[str], note: Path, *, log: Path, cgroups: Iterable[Path] = ()
) -> Process:
    """Start `argv` detached, inside `cgroups`; `note` keeps its id and start time."""
    groups = [str(path) for path in cgroups]
    note.parent.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    head = ["setsid", "--fork", "sh", "-c", _SCRIPT, "sh", str(note), str(log), str(len(groups))]
    host.run([*head, *groups, *argv])
    deadline = monotonic() + 10
    while not note.exists():
        if monotonic() > deadline:
            raise NotStarted(what=argv[0], why=tail(log))
        pause(0.02)
    found = noted(note)
    if found is None:
        raise NotStarted(what=argv[0], why=tail(log))
    return found


def noted(note: Path) -> Process | None:
    """Return the process that `note` names."""
    try:
        pid, start = note.read_text().split()
        return Process(int(pid), int(start))
    except (OSError, ValueError):
        return None


def current(pid: int) -> Process | None:
    """Return the process that has this id now."""
    found = _stat(pid)
    return Process(pid, found[1]) if found else None


def command_lines() -> Iterator[tuple[int, list[str]]]:
    """Yield id and arguments of every process of this machine."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            parts = file.read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if parts and parts[0]:
            yield int(file.parts[2]), parts


def tail(log: Path) -> str:
    """Return the end of a log, for an error's text."""
    try:
        return log.read_text("utf-8", "replace")[-800:].strip()
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, int] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])
