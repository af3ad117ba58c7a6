"""One process of the gateway laying hands on another: /proc, ptrace, memory, descriptors, signals."""

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from functools import partial

import pyseccomp

from network.gateway.probes.base import Finding, Scene, attempted, told_of
from network.gateway.standing import ask

_libc = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE = 0x4206
_PROC = "/proc"
_ARCH = pyseccomp.system_arch()


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _must(name: str, *arguments: object) -> int:
    number = pyseccomp.resolve_syscall(_ARCH, name)
    returned = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if returned == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return returned


def _opened(path: str, flags: int = os.O_RDONLY) -> str:
    os.close(os.open(path, flags))
    return "opened"


def _descriptors(pid: int) -> str:
    found = os.listdir(f"{_PROC}/{pid}/fd")  # noqa: PTH208 - a bare call, so that its error is bare too
    targets = [os.readlink(f"{_PROC}/{pid}/fd/{number}") for number in found]  # noqa: PTH115 - as above
    return f"{len(targets)} descriptors"


def _namespaces(pid: int) -> str:
    for kind in ("net", "mnt", "ipc"):
        os.close(os.open(f"{_PROC}/{pid}/ns/{kind}", os.O_RDONLY))
    return "opened"


def _traced(pid: int) -> str:
    _must("ptrace", ctypes.c_long(_PTRACE_SEIZE), ctypes.c_long(pid), None, None)
    return "attached"  # and let go again when this child ends


def _memory(pid: int) -> str:
    mine = ctypes.create_string_buffer(8)
    here = _IoVec(ctypes.cast(mine, ctypes.c_void_p), 8)
    there = _IoVec(ctypes.cast(_libc.getpid, ctypes.c_void_p), 8)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    try:
        _must(
            "process_vm_readv", ctypes.c_long(pid), ctypes.byref(here), one, ctypes.byref(there), one, none,
        )  # fmt: skip
    except OSError as error:
        if error.errno != errno.EFAULT:  # nothing lies at that address; but it was looked at
            raise
    return "read"


def _stolen(pid: int) -> str:
    handle = _must("pidfd_open", ctypes.c_long(pid), ctypes.c_long(0))
    os.close(_must("pidfd_getfd", ctypes.c_long(handle), ctypes.c_long(3), ctypes.c_long(0)))
    return "taken"


def _signalled(pid: int) -> str:
    os.kill(pid, 0)
    return "may signal"


WAYS: dict[str, Callable[[int], str]] = {
    "proc-fd": _descriptors,
    "proc-ns": _namespaces,
    "proc-mem": lambda pid: _opened(f"{_PROC}/{pid}/mem"),
    "proc-root": lambda pid: _opened(f"{_PROC}/{pid}/root/."),
    "ptrace": _traced,
    "process-memory": _memory,
    "pidfd-getfd": _stolen,
    "signal": _signalled,
}


def on_others(scene: Scene) -> Iterator[Finding]:
    """Each way from each process on the other three and on the launcher, without the filter's help."""
    for place in scene.all:
        others = {other.name: other.pid for other in scene.all if other is not place}
        for name, way in WAYS.items():
            tries = {
                who: partial(way, pid)
                for who, pid in {**others, "launcher": scene.launcher}.items()
            }
            told = ask(place, attempted(tries), filtered=False)
            yield told_of(name, place.name, "the others", told)


NAMES = tuple(WAYS)
