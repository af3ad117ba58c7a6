"""The gateway's root process: makes the pipes, starts front, guard and back, and nothing else.

One of the three ends: all three are ended and started again, the guard recovers from its journal.
The launcher keeps no pipe end and, once the namespaces are there, only the rights to start again.
"""

import argparse
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pydantic import TypeAdapter

from appliance.clock import iso, monotonic, pause
from appliance.host import write_atomically
from network import links
from network.gateway import confine
from network.gateway.layout import Layout

_PIPE_SIZE = 1 << 20  # bytes
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next start
_STEADY = 10.0  # seconds of life after which the back-off starts anew
_FIRST = 3  # first descriptor handed to a child

Programs = Mapping[str, tuple[str, ...]]
PROGRAMS: Programs = {
    "front": ("-m", "network.gateway.front"),
    "guard": ("-m", "network.gateway.guard"),
    "back": ("-m", "network.gateway.back"),
}


@dataclass(frozen=True)
class Pipes:
    """Four anonymous pipes, each as (read end, write end), made by root so that only root can reopen them."""

    front_to_guard: tuple[int, int]
    guard_to_front: tuple[int, int]
    back_to_guard: tuple[int, int]
    guard_to_back: tuple[int, int]

    @classmethod
    def new(cls) -> "Pipes":
        """Make them, all close-on-exec."""
        return cls(_pipe(), _pipe(), _pipe(), _pipe())

    def ends(self, name: str) -> tuple[int, ...]:
        """Return the ends of one process in the order in which it is given them."""
        return {
            "front": (self.guard_to_front[0], self.front_to_guard[1]),
            "back": (self.guard_to_back[0], self.back_to_guard[1]),
            "guard": (
                self.front_to_guard[0],
                self.guard_to_front[1],
                self.back_to_guard[0],
                self.guard_to_back[1],
            ),
        }[name]

    def close(self) -> None:
        """Close every end here."""
        for pair in (
            self.front_to_guard,
            self.guard_to_front,
            self.back_to_guard,
            self.guard_to_back,
        ):
            for end in pair:
                os.close(end)


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    return reader, writer


Confinement = Callable[[Layout, str], None]


def confined(layout: Layout, name: str) -> None:
    """Put this process where `name` belongs and take its rights; no way back."""
    confine.enter(layout.netns(name))
    confine.read_only_world(layout.journal if name == "guard" else None)
    confine.become(layout.account(name))


class Launcher:
    """Starts, watches and restarts the three."""

    def __init__(
        self, layout: Layout, programs: Programs = PROGRAMS, confinement: Confinement = confined
    ) -> None:
        self._layout = layout
        self._programs = programs
        self._confine = confinement
        self._pids: dict[int, str] = {}

    def run(self) -> NoReturn:
        """Prepare, then keep the three running until a signal asks to end."""
        self._prepare()
        signal.signal(signal.SIGTERM, _asked_to_end)
        signal.signal(signal.SIGINT, _asked_to_end)
        tries = 0
        try:
            while True:
                began = monotonic()
                self._start()
                pid, status = os.wait()
                ended = self._pids.pop(pid, "?")
                say(
                    f"{ended} (pid {pid}) ended with {os.waitstatus_to_exitcode(status)}: all start again"
                )
                self._end()
                tries = 0 if monotonic() - began > _STEADY else tries
                pause(_BACKOFF[min(tries, len(_BACKOFF) - 1)])
                tries += 1
        finally:
            self._end()
            self._layout.pids.unlink(missing_ok=True)

    def _prepare(self) -> None:
        layout = self._layout
        links.ensure_gateway(layout.plan)
        (layout.folder / "log").mkdir(parents=True, exist_ok=True)
        guard = layout.account("guard")
        layout.journal.mkdir(mode=0o700, exist_ok=True)
        os.chown(layout.journal, guard.uid, guard.gid)
        layout.journal.chmod(0o700)
        confine.keep_only(confine.LAUNCHER_KEEPS)

    def _start(self) -> None:
        pipes = Pipes.new()
        sys.stdout.flush()
        sys.stderr.flush()
        for name in self._programs:
            pid = os.fork()
            if pid == 0:
                self._child(name, pipes.ends(name))
            self._pids[pid] = name
        pipes.close()
        told = {name: pid for pid, name in self._pids.items()}
        write_atomically(self._layout.pids, json.dumps(told).encode())

    def _child(self, name: str, ends: tuple[int, ...]) -> NoReturn:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            argv = [sys.executable, "-I", "-B", *self._programs[name], *self._arguments(name)]
            environment = {"LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
            if name == "guard":
                environment["HBOX_POLICY_KEY"] = _text(self._layout.policy_key)
            log = os.open(
                self._layout.folder / "log" / f"{name}.log",
                os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                0o644,
            )
            nothing = os.open("/dev/null", os.O_RDONLY)
            arrange([nothing, log, log, *ends])
            os.chdir("/")
            self._confine(self._layout, name)
            os.execve(sys.executable, argv, environment)  # noqa: S606 - no shell is wanted
        except BaseException as error:  # noqa: BLE001 - a forked child must never return
            os.write(2, f"{iso()} {name} did not start: {error}\n".encode())
        os._exit(70)

    def _arguments(self, name: str) -> list[str]:
        plan = self._layout.plan
        if name == "guard":
            names = ("--from-front", "--to-front", "--from-back", "--to-back")
            given = [
                str(part) for pair in zip(names, range(_FIRST, 7), strict=True) for part in pair
            ]
            return ["--folder", str(self._layout.folder), *given]
        zone = plan.extranet if name == "front" else plan.intranet
        ends = ["--reader", str(_FIRST), "--writer", str(_FIRST + 1)]
        return [*ends, "--address", zone.leg_address, "--port", str(plan.port)]

    def _end(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
        for pid in list(self._pids):
            os.waitpid(pid, 0)
        self._pids.clear()


def arrange(wanted: list[int]) -> None:
    """Make `wanted` the descriptors 0, 1, 2, … of this process and close all others."""
    safe = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in wanted]
    for number, descriptor in enumerate(safe):
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(len(wanted), 65536)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""  # no key: the guard denies all and says so


def _asked_to_end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def say(line: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"{iso()} {line}\n")
    sys.stderr.flush()


def main() -> None:
    """Run the gateway of this box, or the one that `--layout` describes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", type=Path, help="a JSON file with a Layout")
    given = parser.parse_args()
    layout = read_layout(given.layout) if given.layout else Layout()
    Launcher(layout).run()


def read_layout(path: Path) -> Layout:
    """Read a `Layout` from JSON; raises pydantic's `ValidationError`."""
    return TypeAdapter(Layout).validate_json(path.read_bytes())


if __name__ == "__main__":
    main()
