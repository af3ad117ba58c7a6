"""Ethernet frames made by hand for the prover: ARP, IPv4 and IPv6 with UDP, and VLAN tags."""

import socket
import struct

from network.gateway.echo import checksum

BROADCAST = b"\xff" * 6
ARP, IPV4, IPV6, VLAN, PROVIDER, LOCAL = 0x0806, 0x0800, 0x86DD, 0x8100, 0x88A8, 0x88B5
PORT = 9  # discard
_SMALLEST = 60


def mac(text: str) -> bytes:
    """Return the six bytes of a MAC in colon form."""
    return bytes.fromhex(text.replace(":", ""))


def ethernet(to: bytes, of: bytes, kind: int, payload: bytes, *tags: tuple[int, int]) -> bytes:
    """Return a frame; each tag is (type, VLAN number), the outermost first."""
    tagged = b"".join(struct.pack("!HH", *tag) for tag in tags)
    return (to + of + tagged + struct.pack("!H", kind) + payload).ljust(_SMALLEST, b"\0")


def arp(of: bytes, sender: str, target: str, word: bytes) -> bytes:
    """Return an ARP request for `target` from `sender`; `word` stands behind it."""
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1)
    return head + of + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target) + word


def udp4(source: str, target: str, word: bytes) -> bytes:
    """Return an IPv4 packet that carries `word` to the discard port."""
    datagram = struct.pack("!HHHH", PORT, PORT, 8 + len(word), 0) + word
    return _ipv4(source, target, socket.IPPROTO_UDP, datagram)


def opening(source: str, target: str, port: int, word: bytes) -> bytes:
    """Return an IPv4 packet with a TCP segment that asks to open a connection; `word` is its data."""
    segment = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 0x02, 1024, 0, 0) + word
    return _ipv4(source, target, socket.IPPROTO_TCP, segment)


def udp6(word: bytes) -> bytes:
    """Return an IPv6 packet to all nodes of the link."""
    datagram = struct.pack("!HHHH", PORT, PORT, 8 + len(word), 0) + word
    source, target = (socket.inet_pton(socket.AF_INET6, a) for a in ("fe80::1", "ff02::1"))
    return struct.pack("!IHBB", 6 << 28, len(datagram), 17, 1) + source + target + datagram


def _ipv4(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + addresses
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload
