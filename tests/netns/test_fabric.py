"""Zones that span two nodes by real VXLAN: what passes, what does not, and who may not pretend to be whom."""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance import nic
from appliance.chance import raw
from network.zones import prefixed
from tests.netns.world import RUN, in_namespace

pytestmark = [pytest.mark.netns, pytest.mark.timeout(400)]

APPLY = """
import json, sys
from network.apply import apply, verify
from network.fabric import Fabric
from network.firewall import Flow
from network.zones import prefixed
prefix, fabric, flows = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
made = Fabric(fabric["home"], fabric["address"], tuple(fabric["peers"]))
apply([Flow("extranet", *flow, "test") for flow in flows], prefixed(prefix), made)
"""
RARP = """
import socket, sys
card = bytes.fromhex(sys.argv[1].replace(":", ""))
body = bytes.fromhex("0001080006040003") + card + bytes(4) + card + bytes(4)
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as line:
    line.bind(("eth0", 0))
    line.send(b"\\xff" * 6 + card + bytes.fromhex("8035") + body.ljust(46, bytes(1)))
"""
A, B, STRANGER = "192.0.2.1", "192.0.2.2", "192.0.2.9"
HERE, THERE, LEG = "10.88.0.10", "10.88.0.11", "10.88.0.2"
FLOWS = [[HERE, THERE, 8080], [THERE, HERE, 8081], [LEG, THERE, 8080], [THERE, LEG, 8080]]


class Node:
    """A node in miniature: a namespace with `host0` on the underlay and bridges of its own."""

    def __init__(self, pair, name, address, *, home):
        self.pair, self.address, self.home = pair, address, home
        self.prefix = f"{pair.prefix}{name}"
        self.plan = prefixed(self.prefix)
        self.name = pair.namespace(f"{name}-node")
        RUN(["ip", "-n", self.name, "link", "set", "lo", "up"])
        pair.wire(self.name, "host0", address)

    def run(self, *argv, check=True):
        return RUN(["nsenter", f"--net=/run/netns/{self.name}", *argv], check=check)

    def apply(self, peers, flows=FLOWS):
        fabric = json.dumps({"home": self.home, "address": self.address, "peers": peers})
        return self.run(sys.executable, "-c", APPLY, self.prefix, fabric, json.dumps(flows))

    def plug(self, machine, address):
        """Plug a machine's namespace into this node's extranet bridge, as its tap would be."""
        port = nic.tap(address)
        self.run(
            *("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0"),
            *("address", nic.mac(address), "netns", machine),
        )
        self.run("ip", "link", "set", port, "master", self.plan.extranet.bridge, "up")
        RUN(["ip", "-n", machine, "addr", "add", f"{address}/24", "dev", "eth0"])
        RUN(["ip", "-n", machine, "link", "set", "eth0", "up"])

    def unplug(self, address):
        self.run("ip", "link", "del", nic.tap(address))


class Pair:
    """Two nodes and whatever else is on their management net."""

    def __init__(self):
        self.prefix = f"f{raw(1).hex()}"
        self._names, self._sockets = [], []
        self.switch = self.namespace("sw")
        RUN(["ip", "-n", self.switch, "link", "add", "sw", "type", "bridge"])
        RUN(["ip", "-n", self.switch, "link", "set", "sw", "up"])
        self.a, self.b = Node(self, "a", A, home=True), Node(self, "b", B, home=False)
        self.a.apply([B])
        self.b.apply([A])
        self.here, self.there = self.namespace("m1"), self.namespace("m2")
        self.a.plug(self.here, HERE)
        self.b.plug(self.there, THERE)
        self.front = self.a.plan.extranet.netns

    def namespace(self, name):
        made = f"{self.prefix}-{name}"
        RUN(["ip", "netns", "add", made])
        self._names.append(made)
        return made

    def wire(self, namespace, name, address):
        port = f"p{len(self._names)}"
        RUN(["ip", "-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", name,
             "netns", namespace])  # fmt: skip
        RUN(["ip", "-n", self.switch, "link", "set", port, "master", "sw", "up"])
        RUN(["ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", name])
        RUN(["ip", "-n", namespace, "link", "set", name, "up"])

    def listen(self, namespace, port):
        made = in_namespace(namespace, lambda: socket.create_server(("0.0.0.0", port)))
        self._sockets.append(made)
        return made

    def reaches(self, namespace, address, port, *, source="", patience=2.0):
        def connect():
            return socket.create_connection((address, port), patience, (source, 0))

        try:
            in_namespace(namespace, connect).close()
        except OSError:
            return False
        return True

    def close(self):
        for held in self._sockets:
            held.close()
        present = RUN(["ip", "netns", "list"]).text.split()
        for name in present:
            if name.startswith(self.prefix):
                RUN(["ip", "netns", "del", name], check=False)


@pytest.fixture(scope="module")
def pair():
    made = Pair()
    try:
        yield made
    finally:
        made.close()


def test_machines_of_one_zone_on_two_nodes_speak_as_if_on_one_bridge(pair):
    pair.listen(pair.there, 8080)
    pair.listen(pair.there, 8081)
    assert pair.reaches(pair.here, THERE, 8080)
    assert not pair.reaches(pair.here, THERE, 8081), "only what a flow opens"


def test_much_data_passes_though_guests_send_frames_of_1500_bytes(pair):
    served = pair.listen(pair.here, 8081)
    there = in_namespace(pair.there, lambda: socket.create_connection((HERE, 8081), timeout=5))
    pair._sockets.append(there)
    taken, _ = served.accept()
    pair._sockets.append(taken)
    sent = b"x" * 300_000  # a path that loses full segments stalls here
    taken.settimeout(10)
    with ThreadPoolExecutor(1) as pool:
        gone = pool.submit(there.sendall, sent)
        got = 0
        while got < len(sent):
            got += len(taken.recv(65536))
        gone.result()


def test_the_gateway_at_home_speaks_with_machines_elsewhere(pair):
    pair.listen(pair.front, 8080)
    assert pair.reaches(pair.there, LEG, 8080)
    assert pair.reaches(pair.front, THERE, 8080)


def test_a_machine_elsewhere_cannot_pretend_to_be_the_gateway_or_a_neighbour(pair):
    pair.listen(pair.here, 9000)
    pair.a.apply([B], [*FLOWS, [LEG, HERE, 9000], [THERE, HERE, 9000]])
    pair.b.apply([A], [*FLOWS, [LEG, HERE, 9000], [THERE, HERE, 9000]])
    assert pair.reaches(pair.there, HERE, 9000)
    thief = pair.namespace("m3")
    pair.b.plug(thief, "10.88.0.12")
    for stolen in (LEG, THERE):
        RUN(["ip", "-n", thief, "addr", "add", f"{stolen}/24", "dev", "eth0"])
        assert not pair.reaches(thief, HERE, 9000, source=stolen), stolen
        RUN(["ip", "-n", thief, "link", "set", "eth0", "address", nic.mac(stolen)])
        assert not pair.reaches(thief, HERE, 9000, source=stolen), f"{stolen} with its MAC"
    pair.b.unplug("10.88.0.12")


def test_at_home_nothing_from_another_node_is_the_gateway_even_if_that_node_is_bad(pair):
    pair.listen(pair.here, 9001)
    flows = [*FLOWS, [LEG, HERE, 9001], [THERE, HERE, 9001]]
    pair.a.apply([B], flows)
    pair.b.apply([A], flows)
    RUN(["ip", "-n", pair.there, "addr", "add", f"{LEG}/24", "dev", "eth0"])
    pair.b.run("nft", "flush", "ruleset")  # the node lets everything out
    try:
        assert pair.reaches(pair.there, HERE, 9001, source=THERE), "the way itself is open"
        assert not pair.reaches(pair.there, HERE, 9001, source=LEG)
        RUN(["ip", "-n", pair.there, "link", "set", "eth0", "address", nic.mac(LEG)])
        assert not pair.reaches(pair.there, HERE, 9001, source=LEG)
    finally:
        RUN(["ip", "-n", pair.there, "link", "set", "eth0", "address", nic.mac(THERE)])
        RUN(["ip", "-n", pair.there, "addr", "del", f"{LEG}/24", "dev", "eth0"])
        pair.b.apply([A], flows)


def test_who_is_no_node_cannot_put_a_frame_into_a_zone(pair):
    stranger = pair.namespace("str")
    pair.wire(stranger, "host0", STRANGER)
    vni = str(pair.a.plan.extranet.vni)
    RUN(["ip", "-n", stranger, "link", "add", "vx", "type", "vxlan", "id", vni, "local", STRANGER,
         "remote", A, "dstport", "4789"])  # fmt: skip
    RUN(["ip", "-n", stranger, "link", "set", "vx", "address", nic.mac(THERE), "up"])
    RUN(["ip", "-n", stranger, "addr", "add", f"{THERE}/24", "dev", "vx"])
    pair.listen(pair.here, 9002)
    flows = [*FLOWS, [THERE, HERE, 9002]]
    pair.a.apply([B], flows)
    # Frames that need no answer are counted too: not one reaches the machine.
    before = int(RUN(["ip", "netns", "exec", pair.here, "cat", "/sys/class/net/eth0/statistics/rx_packets"]).text)  # fmt: skip
    RUN(["ip", "-n", stranger, "neigh", "replace", HERE, "lladdr", nic.mac(HERE), "dev", "vx"])
    assert not pair.reaches(stranger, HERE, 9002, source=THERE)
    after = int(RUN(["ip", "netns", "exec", pair.here, "cat", "/sys/class/net/eth0/statistics/rx_packets"]).text)  # fmt: skip
    assert after - before < 2, "only what the real neighbours flood"
    pair.a.apply([B, STRANGER], flows)  # the proof that the filter was what held it back
    assert pair.reaches(stranger, HERE, 9002, source=THERE)
    pair.a.apply([B], FLOWS)


@pytest.mark.parametrize(
    ("port", "open_"), [(16514, True), (49200, True), (3300, True), (6514, True), (5432, False)]
)
def test_nodes_alone_reach_each_others_engines(pair, port, open_):
    pair.listen(pair.a.name, port)
    assert pair.reaches(pair.b.name, A, port) is open_
    outsider = pair.namespace(f"o{port}")
    pair.wire(outsider, "host0", "192.0.2.77")
    assert not pair.reaches(outsider, A, port, patience=0.7)
    RUN(["ip", "netns", "del", outsider])


def test_a_machine_that_moved_is_found_where_it_is(pair):
    pair.b.unplug(THERE)
    moved = pair.namespace("m4")
    pair.a.plug(moved, THERE)
    pair.listen(moved, 8080)
    assert pair.reaches(pair.here, THERE, 8080, patience=5)
    assert pair.reaches(pair.front, THERE, 8080, patience=5)
    pair.a.unplug(THERE)
    pair.b.plug(pair.namespace("m5"), THERE)


def test_a_silent_machine_that_moved_is_announced_by_its_engine(pair):
    """As QEMU does after a live migration: one RARP frame under the machine's MAC; nobody else's is taken."""
    silent, address = pair.namespace("m6"), "10.88.0.13"
    flows = [*FLOWS, [HERE, address, 8080]]
    pair.a.apply([B], flows)
    pair.b.apply([A], flows)
    pair.b.plug(silent, address)
    RUN(["ip", "-n", silent, "link", "set", "eth0", "down"])
    RUN(
        [
            "nsenter",
            f"--net=/run/netns/{silent}",
            "sysctl",
            "-qw",
            "net.ipv6.conf.all.disable_ipv6=1",
        ]
    )
    RUN(["ip", "-n", silent, "link", "set", "eth0", "up"])
    own, other = nic.mac(address), "52:54:0a:58:00:4d"
    for card in (own, other):
        RUN(["nsenter", f"--net=/run/netns/{silent}", sys.executable, "-c", RARP, card])
    known = pair.a.run("bridge", "fdb", "show", "dev", pair.a.plan.extranet.overlay).text
    assert f"{own} dst {B}" in known
    assert other not in known
    pair.b.unplug(address)


def test_a_second_time_changes_nothing_and_the_last_one_alone_has_no_overlay(pair):
    def links():
        return {
            link["ifname"]: link["ifindex"]
            for link in json.loads(pair.a.run("ip", "-j", "link").out)
        }

    before = links()
    pair.a.apply([B])
    assert links() == before
    pair.a.apply([])
    assert not any("vx-" in name for name in links())
    pair.a.apply([B])


def test_the_uplink_is_plugged_in_at_home_only(pair):
    for node, plugged in ((pair.a, True), (pair.b, False)):
        uplink = node.plan.extranet.uplink
        node.run("ip", "link", "add", uplink, "type", "veth", "peer", "name", f"{uplink}x")
        node.apply([B if node is pair.a else A])
        (link,) = json.loads(node.run("ip", "-j", "link", "show", uplink).out)
        assert ("master" in link) is plugged
        node.run("ip", "link", "del", uplink)
