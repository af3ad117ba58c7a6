"""Which system calls the gateway's processes may still make once they run."""

import ctypes
import mmap
import socket
from dataclasses import dataclass

import pyseccomp

from appliance.errors import Failed, Text

_PROT_EXEC = mmap.PROT_EXEC
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}

GUARD_ALLOWED = (
    # pipes and the journal
    "read", "write", "readv", "writev", "pread64", "pwrite64", "close", "lseek", "fdatasync", "fsync",
    "ftruncate", "truncate", "open", "openat", "fstat", "newfstatat", "stat", "lstat", "statx",
    "getdents64", "unlink", "unlinkat", "fcntl",
    # waiting
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll",
    # memory, time, chance, signals, the end
    "brk", "munmap", "mremap", "madvise", "futex", "getrandom", "clock_gettime", "clock_nanosleep",
    "gettimeofday", "time", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "sched_yield", "getpid", "gettid", "getuid", "geteuid", "exit", "exit_group",
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


@dataclass(frozen=True)
class Rule:
    """One rule: a call, and a condition on one argument as (index, comparison, value, mask)."""

    call: str
    allow: bool
    condition: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Filter:
    """A filter: what happens to a call that no rule names, and the rules."""

    allow_rest: bool
    rules: tuple[Rule, ...]


def guard() -> Filter:
    """An allow-list: no socket, no process, no executable memory, no namespace, no mount."""
    masked = (2, pyseccomp.MASKED_EQ, _PROT_EXEC, 0)
    return Filter(
        allow_rest=False,
        rules=(
            *(Rule(call, allow=True) for call in GUARD_ALLOWED),
            Rule("mmap", allow=True, condition=masked),
            Rule("mprotect", allow=True, condition=masked),
        ),
    )


def before_loop() -> Filter:
    """What a leg gives up before its event loop starts: a loop that has io_uring would keep it."""
    return Filter(
        allow_rest=True,
        rules=tuple(Rule(call, allow=False) for call in LEG_DENIED if call.startswith("io_uring")),
    )


def leg() -> Filter:
    """A deny-list: sockets of IPv4 and IPv6 only, no descriptor of others, no namespace, no program."""
    families = [f for f in range(11) if f not in (socket.AF_INET, socket.AF_INET6)]
    return Filter(
        allow_rest=True,
        rules=(
            *(Rule(call, allow=False) for call in LEG_DENIED),
            *(Rule("socket", allow=False, condition=(0, pyseccomp.EQ, f, 0)) for f in families),
            Rule("socket", allow=False, condition=(0, pyseccomp.GE, 11, 0)),
            *(
                Rule("clone", allow=False, condition=(0, pyseccomp.MASKED_EQ, 1 << bit, 1 << bit))
                for bit in range(32)
                if _NEW_NAMESPACES >> bit & 1
            ),
        ),
    )


def apply(wanted: Filter) -> None:
    """Load `wanted` into this process for good; raises `NoSeccomp`."""
    refuse = pyseccomp.ERRNO(1)  # EPERM
    try:
        made = pyseccomp.SyscallFilter(pyseccomp.ALLOW if wanted.allow_rest else refuse)
        if (
            wanted.allow_rest
        ):  # its flags lie in memory where no filter sees them: let libc fall back
            made.add_rule(pyseccomp.ERRNO(38), "clone3")
        for rule in wanted.rules:
            arguments = [] if rule.condition is None else [pyseccomp.Arg(*rule.condition)]
            made.add_rule(pyseccomp.ALLOW if rule.allow else refuse, rule.call, *arguments)
        made.load()
    except (OSError, ValueError, RuntimeError) as error:
        raise NoSeccomp(why=str(error)) from error
    _not_dumpable()


def _not_dumpable() -> None:
    # No other process of the same user may look into this one.
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
