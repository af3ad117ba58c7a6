"""The prover: all refused on a clean gateway, and each hole, opened on purpose, is found."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from appliance import nic
from appliance.errors import Unavailable
from appliance.signing import BadSignature, SigningKey
from appliance.sm2 import Sm2Key
from network.gateway import probing
from network.gateway.prove import check, prove, render
from tests.netns.world import CHANNELS, EXT_MODULE, RUN

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]
KEY, SM2 = SigningKey.new(), Sm2Key.new()
FLOW = ("extranet", EXT_MODULE, "10.88.0.2", 8080, "test")


class InHost:
    """The box's own namespace as a host to run the probes on."""

    name = "box"

    def __init__(self, world):
        self._enter = ["nsenter", f"--net=/run/netns/{world.host}"]

    def run(self, argv, **given):
        return RUN([*self._enter, *argv], **given)


def proof(world):
    return prove(KEY, world.layout, InHost(world), SM2)


def seen(world, *modules):
    """What the probes of these modules find; no proof, so nothing is signed."""
    layout = world.folder / "layout.json"
    argv = [sys.executable, "-m", "network.gateway.probing", "--layout", str(layout), "--only"]
    found = json.loads(world.in_host(*argv, *modules).out)["findings"]
    assert [f for f in found if f["verdict"] == "unknown"] == []
    return found


def open_ones(found):
    return {f["probe"] for f in found if f["verdict"] == "OPEN"}


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    def left():
        return {
            p
            for folder in ("/tmp", "/run", "/dev/shm", "/var/tmp")
            for p in Path(folder).glob("hbox-probe-*")
        }

    before = left()
    yield
    assert left() <= before


@pytest.fixture
def filtered(world):
    """A box with filter and settings in force, its gateway not yet started."""
    world.issue(*CHANNELS)
    apply(world)
    return world


def apply(world, flows=()):
    script = (
        "from network.apply import apply\nfrom network.firewall import Flow\nfrom network.zones import prefixed\n"
        f"apply([Flow(*f) for f in {list(flows)!r}], prefixed({world.prefix!r}))"
    )
    world.in_host(sys.executable, "-c", script)


def start(world, script="network.gateway.launcher"):
    """Start without knocking at the legs: the filter has no flow for that."""
    world.wait_ready = lambda seconds=40.0: world.until(world.speaks)
    world.start(script)


def test_a_clean_gateway_refuses_everything(filtered):
    start(filtered)
    proven = proof(filtered)
    assert [f for f in proven.findings if f.verdict != "refused"] == []
    assert {f.probe for f in proven.findings} == set(probing.NAMES)
    assert {f.source for f in proven.findings} >= {
        "front", "guard", "back", "scan", "a machine in the extranet", "a machine in the intranet",
    }  # fmt: skip
    assert len(proven.findings) >= 250
    assert proven.holds
    assert proven.level == "L1"
    check(proven, KEY.public, SM2.public)
    told = json.loads(render(proven))
    assert told["level_means"]["zh"]
    with pytest.raises(BadSignature):
        check(dataclasses.replace(proven, level="L3"), KEY.public)
    with pytest.raises(BadSignature):
        check(dataclasses.replace(proven, sm2=SM2.sign(b"other").hex()), KEY.public, SM2.public)
    with pytest.raises(BadSignature):
        check(dataclasses.replace(proven, facts={**proven.facts, "kernel": "other"}), KEY.public)
    assert set(told["facts"]["processes"]) == {"front", "guard", "back", "scan"}
    assert told["facts"]["processes"]["guard"]["filter"]["calls"] > 40
    # The gateway was not harmed by being tried.
    assert proof_pids(filtered) == filtered.pids


def proof_pids(world):
    return {name: pid for name, pid in world.pids.items() if Path(f"/proc/{pid}").exists()}


def test_no_gateway_no_proof(filtered):
    with pytest.raises(Unavailable):
        proof(filtered)


def cable_between_legs(world):
    front, _, back, _ = world.plan.namespaces
    RUN(
        [
            "ip",
            "-n",
            front,
            "link",
            "add",
            "hole",
            "type",
            "veth",
            "peer",
            "name",
            "hole",
            "netns",
            back,
        ]
    )
    for name, last in ((front, 1), (back, 2)):
        RUN(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.hole.disable_ipv6=0"])
        RUN(["ip", "-n", name, "addr", "add", f"172.31.0.{last}/24", "dev", "hole"])
        RUN(["ip", "-n", name, "addr", "add", f"fd00::{last}/64", "dev", "hole", "nodad"])
        RUN(["ip", "-n", name, "link", "set", "hole", "up"])


def guard_with_interfaces(world):
    guard = world.plan.guard_netns
    RUN(["ip", "-n", guard, "link", "set", "lo", "up"])
    RUN(["ip", "-n", guard, "link", "add", "hole", "type", "veth", "peer", "name", "hole2"])


def open_forwarding(world):
    world.in_host("sysctl", "-qw", "net.ipv4.ip_forward=1")
    world.in_host("nft", "add rule inet hbox forward accept")


def routing_host(world):
    open_forwarding(world)
    for zone, address in (
        (world.plan.extranet, "10.88.0.1/24"),
        (world.plan.intranet, "10.66.0.1/24"),
    ):
        world.in_host("ip", "addr", "add", address, "dev", zone.bridge)


def cable_between_bridges(world):
    for name, zone, peer in (
        ("hole1", world.plan.extranet, "hole2"),
        ("hole2", world.plan.intranet, ""),
    ):
        if peer:
            world.in_host("ip", "link", "add", name, "type", "veth", "peer", "name", peer)
        world.in_host("ip", "link", "set", name, "master", zone.bridge, "up")


def cable_and_no_filter(world):
    cable_between_bridges(world)
    world.in_host("nft", "delete table bridge hbox")


def cable_for_tagged_frames(world):
    cable_between_bridges(world)
    world.in_host("nft", "insert rule bridge hbox forward ether type vlan accept")


def ports_not_bound(world):
    apply(world, [FLOW])
    listing = world.in_host("nft", "-a", "list", "chain", "bridge", "hbox", "forward").text
    (line,) = [line for line in listing.splitlines() if "jump origin" in line]
    world.in_host("nft", f"delete rule bridge hbox forward handle {line.split('handle ')[1]}")


WORLDS = [
    (cable_between_legs, ("network", "standings"),
     {"tcp4", "tcp6", "udp4", "udp6", "icmp4", "icmp6", "extra-interface"}),
    (guard_with_interfaces, ("standings",), {"guard-loopback", "extra-interface"}),
    (open_forwarding, ("standings", "bridges"), {"settings", "forward-drop"}),
    (routing_host, ("bridges",), {"host-forward"}),
    (cable_between_bridges, ("bridges",), {"bridge-patch"}),
    (cable_and_no_filter, ("bridges", "standings"),
     {"bridge-patch", "bridge-hop", "vlan-hop", "host-forward", "bridge-drop", "spoofed-sender"}),
    (cable_for_tagged_frames, ("bridges",), {"bridge-patch", "vlan-hop"}),
    (ports_not_bound, ("bridges",), {"spoofed-sender"}),
]  # fmt: skip
DOCTORED = [
    ("no-filter", ("calls", "standings"), {
        "socket", "io-uring", "keyring", "user-namespace", "program-start", "debugger", "memory-read",
        "descriptor-theft", "memory-file", "sysv-call", "queue-call", "file-handle", "enter-namespace", "rights",
        "mount", "kernel-program",
    }),
    ("rights", ("calls", "network", "standings"), {
        "socket", "io-uring", "keyring", "user-namespace", "program-start", "debugger", "memory-read",
        "descriptor-theft", "memory-file", "sysv-call", "queue-call", "file-handle", "enter-namespace", "rights",
        "mount", "kernel-program", "add-address", "add-route", "add-link", "netlink",
        # Between guard and scanner, who share a folder, the filter alone stands in the way.
        "unix-path", "unix-path-descriptor",
    }),
    ("plain-world", ("files", "memory", "network", "standings", "processes"), {
        "shared-folder", "folder-of-others", "mounts", "one-mount-namespace", "unix-of-others", "unix-path",
        "unix-path-descriptor", "sysv-memory", "posix-memory", "posix-queue", "one-ipc-namespace",
    }),
    ("one-user", ("processes", "memory", "standings"), {
        "proc-fd", "proc-ns", "proc-mem", "proc-root", "ptrace", "process-memory", "pidfd-getfd", "signal",
        "memory-by-proc", "sysv-memory", "posix-memory", "posix-queue", "rights", "one-ipc-namespace",
    }),
    ("one-namespace", ("network", "standings"), {
        "tcp4", "udp4", "icmp4", "unix-abstract", "unix-abstract-descriptor", "one-namespace",
    }),
    ("own-pipes", ("standings",), {"pipe-reopen"}),
    ("extra-pipe", ("standings",), {"direct-descriptor"}),
    ("guard-socket-held", ("standings",), {"guard-holds-socket"}),
]  # fmt: skip


@pytest.mark.parametrize(("hole", "modules", "found"), WORLDS)
def test_a_hole_in_the_world_is_found(filtered, hole, modules, found):
    start(filtered)
    hole(filtered)
    assert open_ones(seen(filtered, *modules)) == found


@pytest.mark.parametrize(("hole", "modules", "found"), DOCTORED)
def test_a_doctored_launcher_is_found(filtered, hole, modules, found):
    (filtered.folder / "hole").write_text(hole)
    if hole == "one-namespace":
        front, intranet = filtered.plan.extranet.netns, filtered.plan.intranet
        RUN(["ip", "-n", front, "addr", "add", f"{intranet.leg_address}/24", "dev", "eth0"])
        RUN(["ip", "-n", front, "link", "set", "lo", "up"])
    start(filtered, "tests/netns/doctored.py")
    assert open_ones(seen(filtered, *modules)) == found


def test_every_probe_has_a_hole_that_it_was_seen_to_find():
    found = set().union(*(names for _, _, names in (*WORLDS, *DOCTORED)))
    assert found == set(probing.NAMES)
    assert len(probing.NAMES) == len(found)


def test_a_port_is_bound_to_its_machine(filtered):
    """Real packets: the machine itself may speak to the leg, another one under its address may not."""
    apply(filtered, [FLOW])
    start(filtered)
    assert filtered.ask("ext", "GET", "/fhir/Patient").status == 403
    assert open_ones(seen(filtered, "bridges")) == set()
    filtered.in_host("ip", "link", "set", nic.tap(EXT_MODULE), "down", "name", "other", "up")
    with pytest.raises(OSError, match=r"timed out|No route"):
        filtered.ask("ext", "GET", "/fhir/Patient")
