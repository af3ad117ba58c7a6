"""Memory and queues that two processes could share: made in one's place, looked for from another's."""

import ctypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from network.gateway.probes.base import Finding, Scene, judged
from network.gateway.standing import Child, Say, Standing, ask, ready_for_nudge

_libc = ctypes.CDLL(None, use_errno=True)
_IPC_CREAT, _IPC_RMID, _MODE = 0o1000, 0, 0o666
_PR_SET_DUMPABLE = 4
_NAME = b"/hbox-probe"
_FILE = "/dev/shm/hbox-probe"  # noqa: S108 - to be tried, not trusted


def _checked(returned: int) -> int:
    if returned == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return returned


def _segment(key: int, flags: int) -> int:
    return _checked(_libc.shmget(key, ctypes.c_size_t(4096), flags))


def _queue(flags: int) -> int:
    return _checked(_libc.mq_open(_NAME, flags, _MODE, None))


def _memory_file() -> str:
    made = os.memfd_create("hbox-probe")
    os.fchmod(made, _MODE)
    return str(made)


@dataclass(frozen=True)
class _Kind:
    """How to make it (returns what the other needs to know), how to find it, how to remove it."""

    make: Callable[[], str]
    find: Callable[[int, str], object]
    remove: Callable[[str], object]


def _posix_make() -> str:
    os.close(os.open(_FILE, os.O_CREAT | os.O_RDWR, _MODE))
    os.chmod(_FILE, _MODE)  # noqa: PTH101 - a bare call, so that its error is bare too
    return _FILE


def _key() -> int:
    return 0x68620000 | os.getpid() & 0xFFFF


KINDS = {
    "sysv-memory": _Kind(
        lambda: f"{_segment(_key(), _IPC_CREAT | _MODE)} {_key()}",
        lambda _pid, told: _segment(int(told.split()[1]), 0),
        lambda told: _libc.shmctl(int(told.split()[0]), _IPC_RMID, None),
    ),
    "posix-queue": _Kind(
        lambda: str(_queue(os.O_CREAT | os.O_RDWR)),
        lambda _pid, _told: _queue(os.O_RDONLY),
        lambda _told: _libc.mq_unlink(_NAME),
    ),
    "posix-memory": _Kind(
        _posix_make,
        lambda _pid, told: os.close(os.open(told, os.O_RDWR)),
        os.unlink,
    ),
    "memory-by-proc": _Kind(
        _memory_file,
        lambda pid, told: os.close(os.open(f"/proc/{pid}/fd/{told}", os.O_RDWR)),
        lambda told: os.close(int(told)),
    ),
}


def shared_memory(scene: Scene) -> Iterator[Finding]:
    """Each kind from each process to each other, without the filter's help."""
    for source, target in scene.crossings:
        for name, kind in KINDS.items():
            yield _shared(name, kind, source, target)


def _shared(name: str, kind: _Kind, source: Standing, target: Standing) -> Finding:
    maker = Child(source, _making(kind), filtered=False)
    try:
        made = maker.hear()
        if "made" not in made:
            refused = "refused" in made
            return Finding(
                name, source.name, target.name, judged(refused, is_open=False), f"making: {made}"
            )
        pid = int(made["pid"])
        told = ask(target, _finding(kind, pid, made["made"]), filtered=False)
        maker.nudge()
        maker.hear()
    finally:
        maker.end()
    verdict = judged("refused" in told, "open" in told)
    return Finding(name, source.name, target.name, verdict, f"made there; found from here: {told}")


def _making(kind: _Kind) -> Callable[[Say], None]:
    def act(say: Say) -> None:
        # As the running process would be after its exec: whoever may, may look into it.
        _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
        try:
            made = kind.make()
        except OSError as error:
            say({"refused": str(error)})
            return
        ready_for_nudge(say, {"made": made, "pid": str(os.getpid())})
        kind.remove(made)
        say({"removed": "1"})

    return act


def _finding(kind: _Kind, pid: int, made: str) -> Callable[[Say], None]:
    def act(say: Say) -> None:
        try:
            kind.find(pid, made)
        except OSError as error:
            say({"refused": str(error)})
        else:
            say({"open": "1"})

    return act


NAMES = tuple(KINDS)
