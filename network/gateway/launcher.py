"""The gateway's root process: makes the pipes, starts front, guard, back and scan, and nothing else.

One of the four ends: all are ended and started again, the guard recovers from its journal.
The launcher keeps no pipe end and, once the namespaces are there, only the rights to start again.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pydantic import TypeAdapter

from appliance.clock import iso, monotonic, pause
from appliance.host import write_atomically
from network import links
from network.gateway import briefing, confine, rooms
from network.gateway.layout import Layout
from network.gateway.pipes import Pipes, arrange, filled, output

_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next start
_STEADY = 10.0  # seconds of life after which the back-off starts anew
_FIRST = 3  # first descriptor handed to a child

Programs = Mapping[str, tuple[str, ...]]
PROGRAMS: Programs = {
    "front": ("-m", "network.gateway.front"),
    "guard": ("-m", "network.gateway.guard"),
    "back": ("-m", "network.gateway.back"),
    "scan": ("-m", "network.gateway.scan"),
}
Confinement = Callable[[Layout, str], None]


def confined(layout: Layout, name: str) -> None:
    """Put this process where `name` belongs and take its rights; no way back."""
    confine.enter(layout.netns(name))
    confine.furnish(rooms.room(layout, name))
    confine.become(layout.account(name))


class Launcher:
    """Starts, watches and restarts the four."""

    def __init__(
        self, layout: Layout, programs: Programs = PROGRAMS, confinement: Confinement = confined
    ) -> None:
        self._layout = layout
        self._programs = programs
        self._confine = confinement
        self._pids: dict[int, str] = {}

    def run(self) -> NoReturn:
        """Prepare, then keep the four running until a signal asks to end."""
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
        links.ensure_gateway(self._layout.plan)
        rooms.make_folders(self._layout)
        confine.keep_only(confine.LAUNCHER_KEEPS)

    def _start(self) -> None:
        pipes = Pipes()
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
            told = briefing.brief(self._layout, name, _FIRST, len(ends))
            argv = [sys.executable, "-I", "-B", *self._programs[name], *told.arguments]
            nothing, log = output(self._layout.folder / "log" / f"{name}.log")
            arrange([nothing, log, log, *ends, filled(told.secrets)])
            os.chdir("/")
            self._confine(self._layout, name)
            os.execve(sys.executable, argv, told.environment)  # noqa: S606 - no shell is wanted
        except BaseException as error:  # noqa: BLE001 - a forked child must never return
            os.write(2, f"{iso()} {name} did not start: {error}\n".encode())
        os._exit(70)

    def _end(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
        for pid in list(self._pids):
            os.waitpid(pid, 0)
        self._pids.clear()


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
