"""ICMP echo requests made by hand, for the prover."""

import os
import socket
import struct
from collections.abc import Callable, Sequence

from appliance.clock import monotonic
from network.gateway.standing import Say

WAIT = 0.4  # seconds for all the answers
_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_WORD = b"hbox-probe"


def requesting(family: socket.AddressFamily, targets: Sequence[str]) -> Callable[[Say], None]:
    """Return an act that pings each target and says which answered and how each try ended."""

    def act(say: Say) -> None:
        v6 = family == socket.AF_INET6
        number = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
        ident = os.getpid() & 0xFFFF
        with socket.socket(family, socket.SOCK_RAW, number) as made:
            ends = [_sent(made, target, packet(_REQUEST[family], ident)) for target in targets]
            sent = any("sent" in end for end in ends)
            answered = _answers(made, _REPLY[family], ident, v6=v6) if sent else ""
        say({"ends": "; ".join(ends), "answered": answered})

    return act


def packet(kind: int, ident: int) -> bytes:
    """Return an echo message with a right checksum (of ICMP; the kernel makes ICMPv6's)."""
    head = struct.pack("!BBHHH", kind, 0, 0, ident, 1)
    return struct.pack("!BBHHH", kind, 0, checksum(head + _WORD), ident, 1) + _WORD


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _sent(made: socket.socket, target: str, data: bytes) -> str:
    scopes = range(1, 8) if target.startswith("fe80") else (0,)
    said = set()
    for scope in scopes:
        try:
            made.sendto(data, (target, 0, 0, scope) if ":" in target else (target, 0))
            said.add("sent")
        except OSError as error:
            said.add(error.strerror or str(error))
    return f"{target}: {', '.join(sorted(said))}"


def _answers(made: socket.socket, reply: int, ident: int, *, v6: bool) -> str:
    until = monotonic() + WAIT
    while (left := until - monotonic()) > 0:
        made.settimeout(left)
        try:
            data, (host, *_) = made.recvfrom(2048)
        except OSError:
            break
        message = data if v6 else data[(data[0] & 0xF) * 4 :]
        if message[:1] == bytes([reply]) and message[4:6] == struct.pack("!H", ident):
            return str(host)
    return ""
