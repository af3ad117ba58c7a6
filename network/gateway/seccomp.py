"""Which system calls the gateway's processes may still make once they run."""

import ctypes
import mmap
import socket
from dataclasses import dataclass

import pyseccomp

from appliance.canonical import canonical, digest
from appliance.errors import Failed, Text

_PROT_EXEC = mmap.PROT_EXEC
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
_CLONE_THREAD = 0x10000
_SOCK_STREAM = 1

GUARD_ALLOWED = (
    # pipes and the journal
    "read", "write", "readv", "writev", "pread64", "pwrite64", "close", "lseek", "fdatasync", "fsync",
    "ftruncate", "truncate", "open", "openat", "fstat", "newfstatat", "stat", "lstat", "statx",
    "getdents64", "unlink", "unlinkat", "fcntl", "fallocate",
    # its spool folders
    "copy_file_range", "sendfile", "rename", "renameat", "renameat2", "statfs", "fstatfs", "fchmod",
    # waiting
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll",
    # memory, time, chance, signals, the end
    "brk", "munmap", "mremap", "madvise", "futex", "getrandom", "clock_gettime", "clock_nanosleep",
    "gettimeofday", "time", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "sched_yield", "getpid", "gettid", "getuid", "geteuid", "exit", "exit_group",
)  # fmt: skip

# What the scanner may beside: connect to clamd's Unix socket, and threads of its own.
SCAN_ALLOWED = (
    "read", "write", "readv", "writev", "pread64", "close", "lseek", "open", "openat", "fstat",
    "newfstatat", "stat", "lstat", "statx", "getdents64", "fcntl", "ioctl",
    "connect", "sendto", "recvfrom", "sendfile", "shutdown", "getsockopt", "setsockopt",
    "getsockname", "getpeername", "poll", "ppoll",
    "brk", "munmap", "mremap", "madvise", "futex", "getrandom", "clock_gettime", "clock_nanosleep",
    "gettimeofday", "time", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "sched_yield", "getpid", "gettid", "getuid", "geteuid", "exit", "exit_group",
    "set_robust_list", "rseq", "prctl", "set_tid_address", "sched_getaffinity",
)  # fmt: skip

LEG_DENIED = (
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "pidfd_open", "kcmp",
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
    "fsopen", "fsmount", "fsconfig", "mount_setattr", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key",
    "execve", "execveat", "open_by_handle_at", "name_to_handle_at", "mq_open", "shmget", "msgget",
    "semget", "memfd_create", "mknod", "mknodat", "socketpair", "init_module", "finit_module",
    "kexec_load", "reboot", "swapon", "quotactl",
)  # fmt: skip


class NoSeccomp(Failed):
    """The filter could not be loaded; the process must not go on."""

    code = "gateway.no_seccomp"
    text = Text(
        "系统调用过滤器未能加载：{why}", "The system call filter could not be loaded: {why}"
    )


Condition = tuple[int, int, int, int]
"""On one argument of a call: (index, comparison, value, second value or mask)."""


@dataclass(frozen=True)
class Rule:
    """One rule: a call, and conditions on its arguments that must all hold."""

    call: str
    allow: bool
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Filter:
    """A filter: what happens to a call that no rule names, and the rules."""

    allow_rest: bool
    rules: tuple[Rule, ...]


def guard() -> Filter:
    """An allow-list: no socket, no process, no executable memory, no namespace, no mount."""
    return Filter(
        allow_rest=False,
        rules=(*(Rule(call, allow=True) for call in GUARD_ALLOWED), *_no_new_code()),
    )


def scan() -> Filter:
    """An allow-list: Unix stream sockets to connect with, threads; no descriptor can be passed."""
    return Filter(
        allow_rest=False,
        rules=(
            *(Rule(call, allow=True) for call in SCAN_ALLOWED),
            *_no_new_code(),
            Rule("socket", allow=True, conditions=(_is(0, socket.AF_UNIX), _kind(1))),
            Rule("clone", allow=True, conditions=(_bits(0, _CLONE_THREAD),)),
        ),
    )


def _no_new_code() -> tuple[Rule, ...]:
    masked = (2, pyseccomp.MASKED_EQ, _PROT_EXEC, 0)
    return tuple(Rule(call, allow=True, conditions=(masked,)) for call in ("mmap", "mprotect"))


def before_loop() -> Filter:
    """What a leg gives up before its event loop starts: a loop that has io_uring would keep it."""
    return Filter(
        allow_rest=True,
        rules=tuple(Rule(call, allow=False) for call in LEG_DENIED if call.startswith("io_uring")),
    )


def leg() -> Filter:
    """A deny-list: sockets for TCP over IPv4 only, no descriptor of others, no namespace, no program."""
    return Filter(
        allow_rest=True,
        rules=(
            *(Rule(call, allow=False) for call in LEG_DENIED),
            _denied("socket", (0, pyseccomp.NE, socket.AF_INET, 0)),
            *(_denied("socket", _kind(kind)) for kind in range(16) if kind != _SOCK_STREAM),
            # Nothing but TCP: over a stream socket there are SCTP and MPTCP too.
            *(_denied("socket", _is(2, number)) for number in range(1, socket.IPPROTO_TCP)),
            _denied("socket", (2, pyseccomp.GT, socket.IPPROTO_TCP, 0)),
            *(_denied("clone", _bits(0, 1 << bit)) for bit in range(32) if _NEW_NAMESPACES >> bit & 1),
        ),
    )  # fmt: skip


def _denied(call: str, condition: Condition) -> Rule:
    return Rule(call, allow=False, conditions=(condition,))


def _is(index: int, value: int) -> Condition:
    return (index, pyseccomp.EQ, value, 0)


def _bits(index: int, bits: int) -> Condition:
    return (index, pyseccomp.MASKED_EQ, bits, bits)


def _kind(kind: int) -> Condition:
    return (1, pyseccomp.MASKED_EQ, 0xF, kind)  # beside it stand SOCK_CLOEXEC and SOCK_NONBLOCK


FILTERS = {"front": leg, "back": leg, "guard": guard, "scan": scan}
"""By the name of the process that loads it."""


def described(wanted: Filter) -> dict[str, object]:
    """Return what a report says of a filter: its sense, how many calls it names, a digest of its rules."""
    rules = [(rule.call, rule.allow, rule.conditions) for rule in wanted.rules]
    return {
        "rest": "allowed" if wanted.allow_rest else "refused",
        "calls": len({rule.call for rule in wanted.rules}),
        "digest": digest(canonical(rules)),
    }


def apply(wanted: Filter) -> None:
    """Load `wanted` into this process for good; raises `NoSeccomp`."""
    refuse = pyseccomp.ERRNO(1)  # EPERM
    try:
        made = pyseccomp.SyscallFilter(pyseccomp.ALLOW if wanted.allow_rest else refuse)
        # Its flags lie in memory where no filter sees them: let libc fall back to clone.
        made.add_rule(pyseccomp.ERRNO(38), "clone3")
        for rule in wanted.rules:
            arguments = [pyseccomp.Arg(*condition) for condition in rule.conditions]
            made.add_rule(pyseccomp.ALLOW if rule.allow else refuse, rule.call, *arguments)
        made.load()
    except (OSError, ValueError, RuntimeError) as error:
        raise NoSeccomp(why=str(error)) from error
    _not_dumpable()


def _not_dumpable() -> None:
    # No other process of the same user may look into this one.
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
