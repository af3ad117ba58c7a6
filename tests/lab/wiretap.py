"""Runs in a lab's switch: keeps what is said over TCP to a range of ports, as it goes by on one node's wire.

    wiretap.py INTERFACE LOW HIGH FILE

Writes `ready` first into FILE.state, then the payloads into FILE in their order, until it is ended.
"""

import socket
import sys
from pathlib import Path

ETH_P_ALL = 0x0003  # a bridge takes what came for one protocol before anybody else sees it
ROOM = 64 << 20  # bytes that the kernel keeps for a slow reader


def payload(frame: bytes, ports: range) -> bytes:
    """What a frame of IPv4 and TCP carries to one of these ports, else nothing."""
    packet = frame[14:]
    if (
        frame[12:14] != b"\x08\x00"
        or len(packet) < 20
        or packet[0] >> 4 != 4
        or packet[9] != socket.IPPROTO_TCP
    ):
        return b""
    total = int.from_bytes(packet[2:4], "big") or len(packet)  # 0: longer than the field can say
    segment = packet[(packet[0] & 15) * 4 : total]
    if len(segment) < 20 or int.from_bytes(segment[2:4], "big") not in ports:
        return b""
    return segment[(segment[12] >> 4) * 4 :]


def main(interface: str, low: int, high: int, file: Path) -> None:
    """Listen until somebody ends this process."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.setsockopt(socket.SOL_SOCKET, 33, ROOM)  # SO_RCVBUFFORCE
    wire.bind((interface, ETH_P_ALL))
    with file.open("wb", buffering=0) as kept:
        file.with_suffix(".state").write_text("ready")
        while True:
            kept.write(payload(wire.recv(1 << 17), range(low, high + 1)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
