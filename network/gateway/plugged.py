"""A machine that the prover plugs into a zone for a moment, as a module's VM would be; frames as it sends them."""

import fcntl
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pyroute2 import IPRoute

from network.gateway import confine
from network.gateway.standing import Say, Standing, ready_for_nudge, standing
from network.zones import Zone

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_ALL = 3  # ETH_P_ALL
_CARD = "eth0"
_LONGEST = 2048


@contextmanager
def plugged(zone: Zone) -> Iterator[Standing]:
    """Plug a machine without an address into `zone`; it is gone afterwards."""
    pid = _hold_a_namespace()
    port = f"{zone.bridge}-p"
    try:
        with IPRoute() as ipr:
            ipr.link("add", ifname=port, kind="veth", peer={"ifname": _CARD, "net_ns_pid": pid})
            try:
                (index,) = ipr.link_lookup(ifname=port)
                (bridge,) = ipr.link_lookup(ifname=zone.bridge)
                ipr.link("set", index=index, master=bridge, state="up")
                yield standing(f"a machine in the {zone.name}", pid)
            finally:
                ipr.link("del", ifname=port)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _hold_a_namespace() -> int:
    ears, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            confine.leave_network()
            os.write(mouth, b"1")
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(mouth)
    os.read(ears, 1)
    os.close(ears)
    return pid


def bridge_macs(zones: Sequence[Zone]) -> dict[str, str]:
    """Return the MAC of each zone's bridge."""
    with IPRoute() as ipr:
        held = {
            link.get_attr("IFLA_IFNAME"): link.get_attr("IFLA_ADDRESS") for link in ipr.get_links()
        }
    return {zone.name: str(held[zone.bridge]) for zone in zones}


def patches(zone: Zone) -> list[str]:
    """Return the ports of the zone's bridge whose other end lies on this host, too: patch cables."""
    with IPRoute() as ipr:
        (bridge,) = ipr.link_lookup(ifname=zone.bridge)
        ports = [link for link in ipr.get_links() if link.get_attr("IFLA_MASTER") == bridge]
        return [
            str(link.get_attr("IFLA_IFNAME"))
            for link in ports
            if link.get_attr("IFLA_LINK") and link.get_attr("IFLA_LINK_NETNSID") is None
        ]


def sending(frames: Sequence[bytes], card: str = _CARD) -> Callable[[Say], None]:
    """Return an act that sends whole Ethernet frames out of `card`; it needs root in its namespace."""

    def act(say: Say) -> None:
        with _open(card) as made:
            ends = {_sent(made, frame) for frame in frames}
        say({"sent": str(len(frames)), "ends": "; ".join(sorted(ends))})

    return act


def send_here(frame: bytes, card: str) -> None:
    """Send one frame from the host's own side of a bridge."""
    with _open(card) as made:
        made.send(frame)


def listening(word: bytes) -> Callable[[Say], None]:
    """Return an act that hears every frame, and says what stood behind `word` in those that hold it."""

    def act(say: Say) -> None:
        with _open(_CARD) as made:
            os.set_blocking(made.fileno(), False)
            ready_for_nudge(say, {"ready": "1"})
            heard = set()
            while frame := _next(made):
                _, found, rest = frame.partition(word)
                if found:
                    heard.add(rest.split(b"\0")[0].decode("ascii", "replace"))
        say({"heard": " ".join(sorted(heard))})

    return act


def _open(card: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    request = struct.pack("16sh14x", card.encode(), 0)
    (flags,) = struct.unpack_from("h", fcntl.ioctl(made, _SIOCGIFFLAGS, request), 16)
    fcntl.ioctl(made, _SIOCSIFFLAGS, struct.pack("16sh14x", card.encode(), flags | _IFF_UP))
    made.bind((card, 0))
    return made


def _sent(made: socket.socket, frame: bytes) -> str:
    try:
        made.send(frame)
    except OSError as error:
        return str(error)
    return "sent"


def _next(made: socket.socket) -> bytes:
    try:
        return made.recv(_LONGEST)
    except BlockingIOError:
        return b""
