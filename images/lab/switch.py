"""The lab's wires: a namespace with a bridge per zone, and a namespace for each outside party."""

from collections.abc import Iterator
from pathlib import Path

from appliance.host import Host
from images.lab.names import MANAGEMENT, OUTSIDE, ZONES, Names

# Same-zone traffic must not be judged by layer-3 rules of whoever else uses this kernel.
_NO_FILTER = (
    'for f in /proc/sys/net/bridge/bridge-nf-call-*; do if [ -e "$f" ]; then echo 0 >"$f"; fi; done'
)


def plan(names: Names) -> list[tuple[str, list[str]]]:
    """Return (namespace, `ip` commands) in order; the namespace "" is the machine's own."""
    switch = names.namespace("mgmt")
    lines = ["link set lo up"]
    for zone in ZONES:
        lines += [f"link add {zone} type bridge", f"link set {zone} up"]
    lines.append(f"addr add {MANAGEMENT}.1/24 dev mgmt")
    steps = [("", [f"netns add {one}" for one in names.namespaces]), (switch, lines)]
    for zone, address in OUTSIDE.items():
        outside = names.namespace(zone)
        wire = f"link add {zone}-out type veth peer name eth0 netns {outside}"
        steps.append((switch, [wire, f"link set {zone}-out master {zone} up"]))
        inside = ["link set lo up", f"addr add {address} dev eth0", "link set eth0 up"]
        steps.append((outside, inside))
    return steps


def node_wires(number: int) -> Iterator[tuple[str, str, str]]:
    """Yield (name in the switch, name in the node, zone) of a node's three network interfaces."""
    yield f"n{number}-mgmt", "host0", "mgmt"
    yield f"n{number}-ext", "ext0", "ext"
    yield f"n{number}-int", "int0", "int"


def make(host: Host, names: Names) -> None:
    """Lay the wires."""
    for namespace, lines in plan(names):
        _ip(host, namespace, lines)
    host.run(["nsenter", f"--net=/run/netns/{names.namespace('mgmt')}", "sh", "-euc", _NO_FILTER])


def attach(host: Host, names: Names, number: int) -> None:
    """Plug a started node into the bridges."""
    lines = [f"link set {outer} master {zone} up" for outer, _, zone in node_wires(number)]
    _ip(host, names.namespace("mgmt"), lines)


def wired(host: Host, names: Names, number: int) -> bool:
    """Whether the node's three interfaces exist in the switch."""
    if not Path(f"/run/netns/{names.namespace('mgmt')}").exists():
        return False
    shown = host.run(["ip", "-n", names.namespace("mgmt"), "-o", "link"]).text
    return all(f" {outer}@" in shown or f" {outer}:" in shown for outer, _, _ in node_wires(number))


def remove(host: Host, names: Names) -> None:
    """Remove the namespaces; bridges and wires go with them."""
    for namespace in names.namespaces:
        if Path(f"/run/netns/{namespace}").exists():
            host.run(["ip", "netns", "delete", namespace])


def _ip(host: Host, namespace: str, lines: list[str]) -> None:
    inside = ["-n", namespace] if namespace else []
    host.run(["ip", *inside, "-batch", "-"], stdin=("\n".join(lines) + "\n").encode())
