"""What a running process of the gateway is, read from /proc, and a child put in the same place."""

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from appliance.clock import monotonic
from appliance.errors import Unavailable
from network.gateway import confine, seccomp
from network.gateway.layout import Account

_NAMESPACES = ("ipc", "net", "mnt")  # mnt last: /proc/PID/ns must still be seen
PATIENCE = 5.0  # seconds for one answer of a child

Told = dict[str, str]
Say = Callable[[Told], None]


class NotRunning(Unavailable):
    """The gateway does not run, so nothing can be proved about it."""

    code = "gateway.not_running"


@dataclass(frozen=True)
class Standing:
    """One process: numbers, capabilities and filter as the kernel states them."""

    name: str
    pid: int
    account: Account
    capabilities: int
    bounding: int
    seccomp: bool
    no_new_privileges: bool
    groups: tuple[int, ...] = ()

    def namespace(self, kind: str) -> str:
        """Return the kernel's name of one of its namespaces, such as `net:[4026531840]`."""
        return str(Path(f"/proc/{self.pid}/ns/{kind}").readlink())

    def read(self, what: str) -> str:
        """Return a file below its /proc folder."""
        return Path(f"/proc/{self.pid}/{what}").read_text("ascii")


def standing(name: str, pid: int) -> Standing:
    """Read what process `pid` is; raises `NotRunning`."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError as error:
        raise NotRunning(what=f"gateway {name}", why=str(error)) from error
    facts = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
    return Standing(
        name,
        pid,
        Account(int(facts["Uid"][1]), int(facts["Gid"][1])),
        int(facts["CapEff"][0], 16),
        int(facts["CapBnd"][0], 16),
        facts["Seccomp"][0] == "2",
        facts["NoNewPrivs"][0] == "1",
        tuple(int(group) for group in facts["Groups"]),
    )


class Child:
    """A forked process in the place of a running one, that answers with lines of JSON.

    `filtered`: with the system call filter of that process, if it has one. Without it the other
    layers (namespaces, user, mounts) stand alone and must hold by themselves. `as_root`: in the same
    namespaces, but with every right.
    """

    def __init__(
        self,
        place: Standing,
        act: Callable[[Say], None],
        *,
        filtered: bool = True,
        as_root: bool = False,
    ) -> None:
        self._ears, mouth = os.pipe()
        self._held = b""
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ears)
            _live(
                place, act, mouth, rights="root" if as_root else "filtered" if filtered else "user"
            )
        os.close(mouth)

    def hear(self) -> Told:
        """Return its next line; an empty one when it ended or was silent too long."""
        until = monotonic() + PATIENCE
        while b"\n" not in self._held:
            ready, _, _ = select.select([self._ears], [], [], max(0.0, until - monotonic()))
            data = os.read(self._ears, 65536) if ready else b""
            if not data:
                return {}
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return {str(k): str(v) for k, v in json.loads(line).items()}

    def nudge(self) -> None:
        """Tell a child that waits in `until_nudged` to go on."""
        os.kill(self._pid, signal.SIGUSR1)

    def end(self) -> None:
        """End it and wait for it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._ears)


def ready_for_nudge(say: Say, told: Told) -> None:
    """Say `told`, then wait to be nudged: what was sent meanwhile waits in the kernel's queues."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    say(told)
    signal.sigtimedwait({signal.SIGUSR1}, PATIENCE)


def ask(
    place: Standing, act: Callable[[Say], None], *, filtered: bool = True, as_root: bool = False
) -> Told:
    """Run `act` in the place of `place` and return the one line that it says; see `Child`."""
    child = Child(place, act, filtered=filtered, as_root=as_root)
    try:
        return child.hear()
    finally:
        child.end()


def _live(place: Standing, act: Callable[[Say], None], mouth: int, *, rights: str) -> NoReturn:
    def say(told: Told) -> None:
        os.write(mouth, json.dumps(told).encode() + b"\n")

    try:
        _move(place)
        if rights != "root":
            confine.become_like(place.account, place.capabilities)
        if rights == "filtered" and place.seccomp:
            seccomp.apply(seccomp.FILTERS[place.name]())
        act(say)
    except BaseException as error:  # noqa: BLE001 - a forked child must never return
        say({"broken": f"{type(error).__name__}: {error}"})
    sys.stderr.flush()
    os._exit(0)


def _move(place: Standing) -> None:
    files = [os.open(f"/proc/{place.pid}/ns/{kind}", os.O_RDONLY) for kind in _NAMESPACES]
    for descriptor in files:
        confine.enter_descriptor(descriptor)
        os.close(descriptor)
