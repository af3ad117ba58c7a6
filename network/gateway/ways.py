"""The ways across that a leg could try by itself: what each child does when the prover sends it there."""

import array
import errno
import fcntl
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from network.gateway.probes.base import attempted
from network.gateway.standing import Say, Standing, ready_for_nudge

WAIT = 1.0  # seconds for one attempt
_SOON = 0.05  # seconds; what was sent before the nudge is there already
FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock")  # noqa: S108 - to be tried, not trusted
_SECRET = b"hbox-probe"


def addresses(place: Standing, family: int) -> list[str]:
    """Return the addresses within the namespace of `place` that are not loopback ones."""
    if family == socket.AF_INET:
        found = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", place.read("net/fib_trie"))
    else:
        found = [
            str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0])))
            for line in place.read("net/if_inet6").splitlines()
        ]
    return sorted({a for a in found if not ipaddress.ip_address(a).is_loopback})


def listening(family: int, kind: int) -> Callable[[Say], None]:
    """Return an act that listens on every address and says what reached it."""

    def act(say: Say) -> None:
        with socket.socket(family, kind) as made:
            made.bind(("", 0))
            made.settimeout(_SOON)
            if kind == socket.SOCK_STREAM:
                made.listen(1)
            ready_for_nudge(say, {"port": str(made.getsockname()[1])})
            try:
                data = made.accept()[0].recv(64) if kind == socket.SOCK_STREAM else made.recv(64)
            except OSError as error:
                say({"got": "", "why": str(error)})
            else:
                say({"got": data.decode("ascii", "replace")})

    return act


def reaching(family: int, kind: int, targets: Sequence[str], port: int) -> Callable[[Say], None]:
    """Return an act that tries to send a word to each target and says how each try ended."""

    def act(say: Say) -> None:
        ends = []
        for target in targets:
            scopes = range(1, 8) if target.startswith("fe80") else (0,)
            ends += [_reach(family, kind, (target, port, scope)) for scope in scopes]
        say({"ends": "; ".join(sorted(set(ends)))})

    return act


def _reach(family: int, kind: int, where: tuple[str, int, int]) -> str:
    host, port, scope = where
    try:
        with socket.socket(family, kind) as made:
            made.settimeout(WAIT)
            made.connect((host, port, 0, scope) if family == socket.AF_INET6 else (host, port))
            made.send(_SECRET)
    except OSError as error:
        return f"{host}: {error}"
    return f"{host}: sent"


def unix_listening(folders: Sequence[str], *, abstract: bool) -> Callable[[Say], None]:
    """Return an act that offers a Unix socket and says whether a descriptor came through it."""

    def act(say: Say) -> None:
        try:
            made = socket.socket(socket.AF_UNIX)
        except OSError as error:
            say({"refused": f"socket(AF_UNIX): {error}"})
            return
        name, why = _bind(made, () if abstract else folders)
        if not name:
            say({"refused": why})
            return
        made.listen(1)
        made.settimeout(_SOON)
        ready_for_nudge(say, {"name": name})
        try:
            link, _ = made.accept()
            _, passed, _, _ = socket.recv_fds(link, 64, 1)
            told = {"got": "connected", "passed": str(len(passed))}
        except OSError as error:
            told = {"got": "", "why": str(error)}
        if not abstract:
            Path(name).unlink()
        say(told)  # last: who has spoken is ended

    return act


def _bind(made: socket.socket, folders: Sequence[str]) -> tuple[str, str]:
    if not folders:
        name = f"hbox-probe-{os.getpid()}"
        try:
            made.bind(f"\0{name}")
        except OSError as error:
            return "", f"bind: {error}"
        return f"@{name}", ""
    why = []
    for folder in folders:
        name = f"{folder}/hbox-probe-{os.getpid()}"
        try:
            made.bind(name)
            Path(name).chmod(0o777)
        except OSError as error:
            why.append(f"{folder}: {error.strerror}")
        else:
            return name, ""
    return "", "; ".join(why)


def unix_reaching(name: str) -> Callable[[Say], None]:
    """Return an act that connects to a Unix socket and passes a descriptor."""

    def act(say: Say) -> None:
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.settimeout(WAIT)
                made.connect("\0" + name[1:] if name.startswith("@") else name)
                with Path("/dev/null").open("rb") as passed:
                    socket.send_fds(made, [_SECRET], [passed.fileno()])
        except OSError as error:
            say({"end": str(error)})
        else:
            say({"end": "sent"})

    return act


def reopening(descriptor: int, mode: int) -> Callable[[Say], None]:
    """Return an act that opens a pipe end it holds the other way round."""

    def act(say: Say) -> None:
        try:
            os.close(os.open(f"/proc/self/fd/{descriptor}", mode | os.O_NONBLOCK))
        except OSError as error:
            say({"refused": str(error)})
        else:
            say({"open": "1"})

    return act


_SIOCADDRT, _SIOCSIFADDR, _SIOCGIFMTU, _SIOCSIFMTU = 0x890B, 0x8916, 0x8921, 0x8922
_SIOCDELRT, _SIOCGIFFLAGS, _IFF_UP = 0x890C, 0x8913, 1


def _inet(address: str) -> bytes:
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def reconfiguring(what: str) -> Callable[[Say], None]:
    """Return an act that adds an address or a route, or changes a link, and undoes it if it could."""

    def act(say: Say) -> None:
        nic = b"eth0".ljust(16, b"\0")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            try:
                _changes[what](made.fileno(), nic)
            except OSError as error:
                say({"refused": str(error)})
            else:
                say({"open": "1"})

    return act


def _add_address(descriptor: int, nic: bytes) -> None:
    alias = nic.rstrip(b"\0") + b":p"
    request = alias.ljust(16, b"\0")
    fcntl.ioctl(descriptor, _SIOCSIFADDR, request + _inet("169.254.77.77"))
    fcntl.ioctl(descriptor, _SIOCSIFADDR, request + _inet("0.0.0.0"))


def _add_route(descriptor: int, nic: bytes) -> None:
    name = array.array("B", nic)
    # struct rtentry on 64-bit Linux: destination, gateway, mask, flags, …, device name.
    entry = struct.pack(
        "@L16s16s16sHhLPhPLLH",
        0, _inet("198.51.100.0"), _inet("0.0.0.0"), _inet("255.255.255.0"),
        1, 0, 0, 0, 0, name.buffer_info()[0], 0, 0, 0,
    )  # fmt: skip
    fcntl.ioctl(descriptor, _SIOCADDRT, entry)
    fcntl.ioctl(descriptor, _SIOCDELRT, entry)


def _change_link(descriptor: int, nic: bytes) -> None:
    now = fcntl.ioctl(descriptor, _SIOCGIFMTU, nic + bytes(24))
    fcntl.ioctl(descriptor, _SIOCSIFMTU, now)


_changes: dict[str, Callable[[int, bytes], None]] = {
    "address": _add_address,
    "route": _add_route,
    "link": _change_link,
}


_RTM_NEWROUTE, _RTM_NEWLINK = 24, 16
_ASKED = 0x1 | 0x4 | 0x400 | 0x200  # request, acknowledge, create, only if new


def by_netlink() -> Callable[[Say], None]:
    """Return an act that adds a route and a link through rtnetlink."""
    to_nowhere = struct.pack("=HH4s", 8, 1, socket.inet_aton("198.51.100.7"))
    by_loopback = struct.pack("=HHI", 8, 4, 1)
    route = struct.pack("=8BI", socket.AF_INET, 32, 0, 0, 254, 4, 253, 1, 0)
    dummy = struct.pack("=HH6s2x", 10, 1, b"dummy\0")
    link = struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0) + struct.pack("=HH", 4 + len(dummy), 18) + dummy
    return attempted(
        {
            "route": lambda: _told(_RTM_NEWROUTE, route + to_nowhere + by_loopback),
            "link": lambda: _told(_RTM_NEWLINK, link),
        }
    )


def _told(kind: int, body: bytes) -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as made:
        made.settimeout(WAIT)
        made.send(struct.pack("=IHHII", 16 + len(body), kind, _ASKED, 1, 0) + body)
        (code,) = struct.unpack_from("=i", made.recv(4096), 16)
    if code in {-errno.EPERM, -errno.EACCES}:
        raise OSError(-code, os.strerror(-code))
    return "added" if code == 0 else f"allowed, but {os.strerror(-code)}"


def loopback_flags(say: Say) -> None:
    """Say whether `lo` is up in this namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        answer = fcntl.ioctl(made.fileno(), _SIOCGIFFLAGS, b"lo".ljust(40, b"\0"))
    (flags,) = struct.unpack_from("=H", answer, 16)
    say({"up": "1" if flags & _IFF_UP else ""})
