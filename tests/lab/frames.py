"""Ethernet frames as an attacker's machine would send them; runs on a node as it is, with no library.

    python3 - PORT < frames.py

PORT is one end of a pair whose other end is in a zone's bridge. Whole conversations are forged, both
sides of them: the zone's filter lets none of it through, the detector sees it before.
"""

import socket
import struct
import sys

ME, YOU = "10.88.0.77", "10.88.0.50"
FIN, SYN, PSH, ACK, URG = 1, 2, 8, 16, 32
MARK = "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE"


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    words = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(protocol: int, source: str, target: str, body: bytes) -> bytes:
    """Return an Ethernet frame with an IPv4 packet."""
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + ends
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    macs = b"\x02\0\0\0\0" + ends[7:8] + b"\x02\0\0\0\0" + ends[3:4]
    return macs + b"\x08\0" + head + body


def tcp(source: str, target: str, ports: tuple[int, int], flags: int, **more) -> bytes:
    """Return a frame with a TCP segment; `seq`, `ack`, `data` as they come."""
    seq, ack, data = more.get("seq", 1), more.get("ack", 0), more.get("data", b"")
    head = struct.pack("!HHIIBBHHH", *ports, seq, ack, 0x50, flags, 65535, 0, 0)
    return packet(6, source, target, head + data)


def conversation(port: int, asked: bytes, answered: bytes) -> list[bytes]:
    """Return a whole TCP conversation with port 8080: opened, asked, answered, closed."""
    out, back = (port, 8080), (8080, port)
    a, b = 1000, 5000
    said, told = a + 1 + len(asked), b + 1 + len(answered)
    return [
        tcp(ME, YOU, out, SYN, seq=a),
        tcp(YOU, ME, back, SYN | ACK, seq=b, ack=a + 1),
        tcp(ME, YOU, out, ACK, seq=a + 1, ack=b + 1),
        tcp(ME, YOU, out, PSH | ACK, seq=a + 1, ack=b + 1, data=asked),
        tcp(YOU, ME, back, PSH | ACK, seq=b + 1, ack=said, data=answered),
        tcp(ME, YOU, out, ACK, seq=said, ack=told),
        tcp(ME, YOU, out, FIN | ACK, seq=said, ack=told),
        tcp(YOU, ME, back, FIN | ACK, seq=told, ack=said + 1),
        tcp(ME, YOU, out, ACK, seq=said + 1, ack=told + 1),
    ]


def http(port: int, path: str, body: str = "") -> list[bytes]:
    """Return a request over HTTP for `path`, answered with `body`."""
    asked = f"GET {path} HTTP/1.1\r\nHost: {YOU}\r\n\r\n".encode()
    answered = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    return conversation(port, asked, answered)


def dns(name: str) -> bytes:
    """Return a query for `name`."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    body = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)
    return packet(17, ME, YOU, struct.pack("!HHHH", 40053, 53, 8 + len(body), 0) + body)


def attacks() -> list[bytes]:
    """Return all that this machine sends."""
    scan = [tcp(ME, YOU, (41000, port), SYN) for port in range(1000, 1040)]
    doors = [tcp(ME, YOU, (42000 + port, port), SYN) for port in (23, 445, 3389)]
    xmas = [tcp(ME, YOU, (43000, 1), FIN | PSH | URG)]
    web = http(44000, "/?id=1%20union%20select%20name%20from%20people")
    web += http(44001, "/download", MARK) + http(44002, "/a?f=../../../../etc/passwd")
    return [*scan, *doors, *xmas, *web, dns(".".join(["a" * 50] * 3))]


if __name__ == "__main__":
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as line:
        line.bind((sys.argv[1], 0))
        for frame in attacks():
            line.send(frame.ljust(60, b"\0"))
