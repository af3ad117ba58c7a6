"""System calls and kinds of sockets that the filters forbid, each made as the process itself."""

import ctypes
import errno
import os
import socket
from collections.abc import Callable, Iterator

import pyseccomp

from network.gateway.probes.base import Finding, Scene, attempted, told_of
from network.gateway.standing import Standing, ask

_libc = ctypes.CDLL(None, use_errno=True)
_ARCH = pyseccomp.system_arch()
_ICMP, _ANY = socket.IPPROTO_ICMP, 0
_STREAM, _DATAGRAM, _RAW = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW
_NOBODY = 4194303  # a process number beyond what kernels give by default
_NEWUSER = 0x10000000
_USER_KEYRING = -4

# By number, since a Python may have been built without a name for them.
SOCKETS = {
    "AF_INET stream": (2, _STREAM, _ANY),
    "AF_INET datagram": (2, _DATAGRAM, _ANY),
    "AF_INET raw": (2, _RAW, _ICMP),
    "AF_INET MPTCP": (2, _STREAM, 262),
    "AF_INET6 stream": (10, _STREAM, _ANY),
    "AF_INET6 datagram": (10, _DATAGRAM, _ANY),
    "AF_UNIX stream": (1, _STREAM, _ANY),
    "AF_UNIX datagram": (1, _DATAGRAM, _ANY),
    "AF_NETLINK route": (16, _RAW, 0),
    "AF_NETLINK audit": (16, _RAW, 9),
    "AF_PACKET raw": (17, _RAW, 0),
    "AF_ALG": (38, 5, _ANY),
    "AF_VSOCK": (40, _STREAM, _ANY),
}
MAY = {
    "front": {"AF_INET stream"}, "back": {"AF_INET stream"}, "guard": set(), "scan": {"AF_UNIX stream"},
}  # fmt: skip


def _call(name: str, *arguments: object) -> str:
    number = pyseccomp.resolve_syscall(_ARCH, name)
    ctypes.set_errno(0)
    returned = _libc.syscall(ctypes.c_long(number), *arguments)
    code = ctypes.get_errno() if returned == -1 else 0
    if code in {errno.EPERM, errno.ENOSYS, errno.EACCES}:
        raise OSError(code, os.strerror(code))
    # Any other error comes from the kernel's own code behind the filter: the call got through.
    return f"the kernel answered {errno.errorcode.get(code, str(returned))}"


def _long(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


# What is asked is harmless: it names nothing that exists, or what ends with the asking process.
CALLS: dict[str, Callable[[], str]] = {
    "io-uring": lambda: _call("io_uring_setup", _long(1), ctypes.create_string_buffer(256)),
    "keyring": lambda: _call("keyctl", _long(0), _long(_USER_KEYRING), _long(1)),
    "user-namespace": lambda: _call("unshare", _long(_NEWUSER)),
    "program-start": lambda: _call("execve", b"/hbox-probe", None, None),
    "debugger": lambda: _call("ptrace", _long(0x4206), _long(_NOBODY), None, None),
    "memory-read": lambda: _call("process_vm_readv", _long(_NOBODY), None, _long(0), None, _long(0), _long(0)),
    "descriptor-theft": lambda: _call("pidfd_getfd", _long(-1), _long(0), _long(0)),
    "memory-file": lambda: _call("memfd_create", b"hbox-probe", _long(0)),
    "sysv-call": lambda: _call("shmget", _long(0x68626F78), _long(4096), _long(0)),
    "queue-call": lambda: _call("mq_open", b"hbox-probe", _long(0), _long(0), None),
    "file-handle": lambda: _call("name_to_handle_at", _long(-1), b"x", None, None, _long(0)),
    "enter-namespace": lambda: _call("setns", _long(-1), _long(0)),
    "mount": lambda: _call("mount", None, b"/hbox-probe", None, _long(0x40000), None),
    "kernel-program": lambda: _call("bpf", _long(99), None, _long(0)),
}  # fmt: skip


def forbidden_calls(scene: Scene) -> Iterator[Finding]:
    """Every call of `CALLS`, from each process."""
    for place in scene.all:
        for name, call in CALLS.items():
            yield told_of(name, place.name, "kernel", ask(place, attempted({"as itself": call})))


def sockets(scene: Scene) -> Iterator[Finding]:
    """Every kind of socket that the process has no business with."""
    for place in scene.all:
        yield _sockets(place)


def _sockets(place: Standing) -> Finding:
    def making(family: int, kind: int, protocol: int) -> Callable[[], str]:
        def attempt() -> str:
            try:
                made = socket.socket(family, kind, protocol)
            except OSError as error:
                # "No such protocol" is the kernel's answer behind the filter: it was let through.
                if error.errno in {errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT}:
                    raise
                return f"reached the kernel ({error.strerror})"
            made.close()
            return "made"

        return attempt

    tries = {name: making(*what) for name, what in SOCKETS.items() if name not in MAY[place.name]}
    return told_of(
        "socket", place.name, "kernel", ask(place, attempted({**tries, "a pair": _pair}))
    )


def _pair() -> str:
    for end in socket.socketpair():
        end.close()
    return "made"


NAMES = ("socket", *CALLS)
