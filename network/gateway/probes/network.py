"""Ways over the network from a process to the legs: what its namespace alone must stop, filter or not."""

import socket
from collections.abc import Iterator

from network.gateway import echo, ways
from network.gateway.probes.base import Finding, Scene, judged, told_of
from network.gateway.standing import Child, Standing, ask

_NOWHERE = {socket.AF_INET: "10.255.255.1", socket.AF_INET6: "2001:db8::1"}


def over_sockets(scene: Scene) -> Iterator[Finding]:
    """TCP and UDP over IPv4 and IPv6, from every process to each leg."""
    kinds = ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp"))
    for family, version in ((socket.AF_INET, "4"), (socket.AF_INET6, "6")):
        for kind, name in kinds:
            for source, target in scene.crossings:
                if target in scene.legs:
                    yield _over_socket((family, kind), name + version, source, target)


def _over_socket(
    way: tuple[socket.AddressFamily, socket.SocketKind],
    name: str,
    source: Standing,
    target: Standing,
) -> Finding:
    family, kind = way
    there = ways.addresses(target, family)
    listener = Child(target, ways.listening(family, kind), filtered=False)
    try:
        ready = listener.hear()
        if "port" not in ready:
            return Finding(name, source.name, target.name, "unknown", f"no listener: {ready}")
        tried = ways.reaching(family, kind, there or [_NOWHERE[family]], int(ready["port"]))
        reached = ask(source, tried, filtered=False)
        listener.nudge()
        got = listener.hear()
    finally:
        listener.end()
    evidence = f"targets {there or 'none (other leg has no such address)'}; {reached.get('ends')}; far side got {got.get('got')!r}"
    # A datagram "sent" into nowhere is no proof; what the far side got decides.
    verdict = judged("ends" in reached and got.get("got") == "", bool(got.get("got")))
    return Finding(name, source.name, target.name, verdict, evidence)


def echoes(scene: Scene) -> Iterator[Finding]:
    """ICMP and ICMPv6 echo requests, made as root of the namespace: no user's right is in the way."""
    for family, name in ((socket.AF_INET, "icmp4"), (socket.AF_INET6, "icmp6")):
        for source, target in scene.crossings:
            if target not in scene.legs:
                continue
            there = ways.addresses(target, family) or [_NOWHERE[family]]
            told = ask(source, echo.requesting(family, there), as_root=True)
            answered = bool(told.get("answered"))
            verdict = judged("ends" in told, answered)
            evidence = f"targets {there}; {told}"
            yield Finding(name, source.name, target.name, verdict, evidence)


def reconfiguration(scene: Scene) -> Iterator[Finding]:
    """An address, a route or a link added or changed from inside, by ioctl and by netlink."""
    for place in scene.all:
        for what in ("address", "route", "link"):
            told = ask(place, ways.reconfiguring(what), filtered=False)
            verdict = judged("refused" in told, "open" in told)
            yield Finding(f"add-{what}", place.name, "its own namespace", verdict, str(told))
        told = ask(place, ways.by_netlink(), filtered=False)
        yield told_of("netlink", place.name, "its own namespace", told)


def over_unix(scene: Scene) -> Iterator[Finding]:
    """Unix sockets by path and by abstract name, and a descriptor passed over them.

    Between legs and scanner the filter is left out; the guard, whose folders the others may see into,
    is tried as it is.
    """
    for name in ("unix-path", "unix-abstract"):
        for source, target in scene.crossings:
            yield from _over_unix(scene, name, source, target)


def _over_unix(scene: Scene, name: str, source: Standing, target: Standing) -> Iterator[Finding]:
    filtered = scene.guard in (source, target)
    folders = [*ways.FOLDERS, *(str(f) for f in (scene.layout.spool, scene.layout.journal))]
    folders += [str(scene.layout.spool / side) for side in ("extranet", "intranet", "guard/held")]
    act = ways.unix_listening(folders, abstract=name.endswith("abstract"))
    listener = Child(target, act, filtered=filtered)
    sent, heard = {}, {}
    try:
        ready = listener.hear()
        if "name" in ready:
            sent = ask(source, ways.unix_reaching(ready["name"]), filtered=filtered)
            listener.nudge()
            heard = listener.hear()
    finally:
        listener.end()
    evidence = "; ".join(f"{told}" for told in (ready, sent, heard) if told)
    refused = "refused" in ready or (bool(sent.get("end")) and sent.get("end") != "sent")
    connected = sent.get("end") == "sent" or bool(heard.get("got"))
    yield Finding(name, source.name, target.name, judged(refused, connected), evidence)
    passed = heard.get("passed", "0") != "0"
    verdict = judged(refused, passed)
    yield Finding(f"{name}-descriptor", source.name, target.name, verdict, evidence)


NAMES = (
    "tcp4", "tcp6", "udp4", "udp6", "icmp4", "icmp6", "add-address", "add-route", "add-link", "netlink",
    "unix-path", "unix-path-descriptor", "unix-abstract", "unix-abstract-descriptor",
)  # fmt: skip
