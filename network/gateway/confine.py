"""What a process gives up for good: its namespaces' way out, writable files, user 0, capabilities."""

import ctypes
import os
import signal
import struct
from pathlib import Path

from appliance.errors import Failed, Text
from network.gateway.layout import Account
from network.gateway.rooms import Room

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWNET = 0x00020000, 0x08000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 0x1, 0x2, 0x4, 0x8
_PR_SET_KEEPCAPS = 8
_PR_SET_PDEATHSIG, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 23, 24, 38
_CAPSET_VERSION_3 = 0x20080522

# What the launcher itself keeps: to enter namespaces, to become the other users, to end them.
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_ADMIN = (
    0, 1, 5, 6, 7, 8, 21,
)  # fmt: skip
LAUNCHER_KEEPS = (CAP_DAC_OVERRIDE, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_ADMIN)

_libc = ctypes.CDLL(None, use_errno=True)


class CannotConfine(Failed):
    """A right could not be given up; the process must not start."""

    code = "gateway.cannot_confine"
    text = Text("无法放弃权限（{what}）：{why}", "A right could not be given up ({what}): {why}")


def enter(namespace: Path) -> None:
    """Move this process into the network namespace that `namespace` holds open."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter_descriptor(descriptor)
    finally:
        os.close(descriptor)


def enter_descriptor(descriptor: int) -> None:
    """Move this process into the namespace that an open descriptor stands for."""
    _must(_libc.setns(descriptor, 0), "setns")


def leave_network() -> None:
    """Move this process into a new, empty network namespace; it ends when its parent ends."""
    _must(_libc.unshare(CLONE_NEWNET), "unshare")
    _must(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "death signal")


def furnish(room: Room) -> None:
    """Give this process mounts, IPC and /proc of its own: all read-only but what `room` lets it write.

    Two processes that could both write to one folder could meet there.
    """
    _must(_libc.unshare(CLONE_NEWNS | CLONE_NEWIPC), "unshare")
    _mount(None, "/", flags=_MS_REC | _MS_PRIVATE)
    wanted = (*room.shown, *room.writable, *room.code)
    kept = sorted(path for path in wanted if path.is_dir())  # parents first
    held = [os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW) for path in kept]
    for hidden in room.hidden:
        if hidden.is_dir():  # else it lies below one that is hidden by now
            _mount("none", str(hidden), "tmpfs", options="size=64k,mode=0755")
    for path, descriptor in zip(kept, held, strict=True):
        path.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", str(path), flags=_MS_BIND)
        os.close(descriptor)
    devices = _few_devices()
    # Only processes of its own user, and nothing of the kernel's settings.
    _mount("proc", "/proc", "proc", options="hidepid=invisible,subset=pid")
    _mount_attributes("/", _AT_RECURSIVE, give=_RDONLY | _NOSUID | _NODEV, take=0)
    for path in kept:
        give = 0 if path in room.code else _NOEXEC
        _mount_attributes(str(path), 0, give=give, take=_RDONLY if path in room.writable else 0)
    for device in devices:
        _mount_attributes(device, 0, give=0, take=_NODEV)


def _few_devices() -> list[str]:
    """Put a /dev in place that has next to nothing in it, no shared memory either."""
    names = [f"/dev/{name}" for name in ("null", "urandom")]
    held = [os.open(name, os.O_PATH) for name in names]
    _mount("none", "/dev", "tmpfs", options="size=64k,mode=0755")
    for name, descriptor in zip(names, held, strict=True):
        Path(name).touch()
        _mount(f"/proc/self/fd/{descriptor}", name, flags=_MS_BIND)
        os.close(descriptor)
    return names


def become(account: Account) -> None:
    """Become `account` without any capability, for good; end when the launcher ends."""
    capability = 0
    while _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:  # until the kernel knows no more
        _must(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "bounding set")
        capability += 1
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    keep_only(())
    _must(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _must(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "death signal")


def become_like(account: Account, capabilities: int) -> None:
    """Become `account` with just the capabilities of a running process (a bit mask); for the prover."""
    _must(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    keep_only(tuple(bit for bit in range(64) if capabilities >> bit & 1))
    _must(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def keep_only(capabilities: tuple[int, ...]) -> None:
    """Reduce effective and permitted capabilities to these; nothing is inheritable."""
    bits = sum(1 << capability for capability in capabilities)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    header = struct.pack("=Ii", _CAPSET_VERSION_3, 0)
    _must(_libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)), "capset")


def _mount(
    source: str | None, target: str, kind: str = "", *, flags: int = 0, options: str = ""
) -> None:
    given = [text.encode() if text else None for text in (source, target, kind)]
    done = _libc.mount(*given, ctypes.c_ulong(flags), options.encode() or None)
    _must(done, f"mount {target}")


def _mount_attributes(target: str, flags: int, *, give: int, take: int) -> None:
    attributes = struct.pack("=QQQQ", give, take, 0, 0)
    done = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD), target.encode(),
        ctypes.c_uint(flags), attributes, ctypes.c_size_t(len(attributes)),
    )  # fmt: skip
    _must(done, f"mount_setattr {target}")


def _must(returned: int, what: str) -> None:
    if returned != 0:
        raise CannotConfine(what=what, why=os.strerror(ctypes.get_errno()))
