"""Zones, filter and settings with real packets in namespaces of their own."""

import socket
import sys

import pytest

from appliance import nic
from appliance.host import LocalHost
from network import nft
from tests.netns.world import RUN, in_namespace

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

APPLY = """
import sys
from network.apply import apply
from network.firewall import Flow
from network.zones import prefixed
flows = [Flow("extranet", "10.88.0.200", "10.88.0.10", 8080, "病人 patient page")]
print(apply(flows if "open" in sys.argv else [], prefixed(sys.argv[1])))
"""


@pytest.fixture
def zones(world):
    """A box with its filter loaded, an internet client at .200 and somebody on management."""
    world.machines["client"] = world.machine("cl", world.plan.extranet.bridge, "10.88.0.200")
    manager = f"{world.prefix}-mgmt"
    RUN(["ip", "netns", "add", manager])
    world.machines["mgmt"] = manager
    world._namespaces.append(manager)
    outside = world.plan.management
    world.in_host(
        "ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", manager
    )
    for where, name, address in (
        (world.host, outside, "192.0.2.1"),
        (manager, "eth0", "192.0.2.2"),
    ):
        RUN(["ip", "-n", where, "addr", "add", f"{address}/24", "dev", name])
        RUN(["ip", "-n", where, "link", "set", name, "up"])
    apply(world, "open")
    return world


def apply(world, *flags, check=True):
    return world.in_host(sys.executable, "-c", APPLY, world.prefix, *flags, check=check)


def listen(world, machine, port, namespace=None):
    where = namespace or world.machines[machine]
    made = in_namespace(where, lambda: socket.create_server(("0.0.0.0", port)))
    world._sockets.append(made)
    return made


def reaches(world, machine, address, port, source_port=0, patience=0.7, *, source=""):
    def connect():
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(patience)
        try:
            made.bind((source, source_port))
            made.connect((address, port))
        except OSError:
            made.close()
            raise
        return made

    try:
        in_namespace(world.machines[machine], connect).close()
    except TimeoutError:
        return False
    except OSError as error:
        if not source or "No route" not in str(
            error
        ):  # a false sender's ARP is not answered either
            raise
        return False
    return True


def test_a_flow_opens_exactly_itself(zones):
    served = listen(zones, "ext", 8080)
    listen(zones, "ext", 8081)
    listen(zones, "client", 9000)
    assert reaches(zones, "client", "10.88.0.10", 8080)
    assert not reaches(zones, "client", "10.88.0.10", 8081)
    assert not reaches(zones, "ext", "10.88.0.200", 9000)
    # From the port that may answer: an answer may pass, a new connection may not.
    served.close()
    assert not reaches(zones, "ext", "10.88.0.200", 9000, source_port=8080)


def test_without_flows_a_zone_is_closed(zones):
    listen(zones, "ext", 8080)
    apply(zones)
    assert not reaches(zones, "client", "10.88.0.10", 8080)


def test_management_reaches_only_its_ports(zones):
    for port in (22, 8443, 9000):
        listen(zones, "", port, zones.host)
    assert reaches(zones, "mgmt", "192.0.2.1", 22)
    assert reaches(zones, "mgmt", "192.0.2.1", 8443)
    assert not reaches(zones, "mgmt", "192.0.2.1", 9000)


def test_a_zone_does_not_reach_the_host_even_with_an_address(zones):
    listen(zones, "", 8443, zones.host)
    RUN(["ip", "-n", zones.host, "addr", "add", "10.88.0.1/24", "dev", zones.plan.extranet.bridge])
    assert not reaches(zones, "client", "10.88.0.1", 8443)
    refused = apply(zones, check=False)
    assert refused.code == 1
    assert b"BridgeHasAddress" in refused.err


def test_applying_again_changes_nothing(zones):
    def seen():
        links = zones.in_host("ip", "-o", "link").out, RUN(["ip", "netns"]).out.count(b"\n")
        return links[0].replace(b"LOWERLAYERDOWN", b""), zones.in_host("nft", "list", "ruleset").out

    before = seen()
    apply(zones, "open")
    assert seen() == before
    for key in (
        "net.ipv4.ip_forward",
        "net.ipv6.conf.all.forwarding",
        "net.bridge.bridge-nf-call-iptables",
    ):
        assert zones.in_host("sysctl", "-n", key).text.strip() == "0"


def test_reading_back_sees_a_rule_that_somebody_added(zones):
    check = (
        "import sys\nfrom appliance.host import LocalHost\nfrom network import nft\n"
        "from network.firewall import ruleset\nfrom network.zones import prefixed\n"
        "host = LocalHost()\nnft.check(host, ruleset(prefixed(sys.argv[1]), [], nft.abilities(host)))"
    )
    apply(zones)
    run = (sys.executable, "-c", check, zones.prefix)
    assert zones.in_host(*run, check=False).code == 0
    zones.in_host(
        "nft", "add", "rule", "bridge", "hbox", "forward", "ip", "protocol", "udp", "accept"
    )
    assert b"RulesetDiffers" in zones.in_host(*run, check=False).err
    apply(zones)
    assert zones.in_host(*run, check=False).code == 0


def test_a_member_of_one_zone_never_meets_the_other(zones):
    listen(zones, "int", 8080)
    RUN(["ip", "-n", zones.machines["client"], "addr", "add", "10.66.0.77/24", "dev", "eth0"])
    with pytest.raises(OSError, match="unreachable"):
        reaches(zones, "ext", "10.66.0.10", 8080)
    with pytest.raises(OSError, match="No route"):  # nobody answers ARP there
        reaches(zones, "client", "10.66.0.10", 8080, patience=10)


def test_the_uplink_carries_many_addresses_but_never_the_gateways(zones):
    RUN(["ip", "netns", "del", zones.machines["client"]])
    far, uplink = f"{zones.prefix}-far", zones.plan.extranet.uplink
    RUN(["ip", "netns", "add", far])
    zones._namespaces.append(far)
    zones.machines["far"] = far
    zones.in_host("ip", "link", "add", uplink, "type", "veth", "peer", "name", "eth0", "netns", far)
    for address in ("10.88.0.200/24", "10.88.0.2/24"):
        RUN(["ip", "-n", far, "addr", "add", address, "dev", "eth0"])
    RUN(["ip", "-n", far, "link", "set", "eth0", "up"])
    apply(zones, "open")  # takes the uplink into its bridge
    listen(zones, "ext", 8080)
    assert reaches(zones, "far", "10.88.0.10", 8080, source="10.88.0.200")
    leg = nic.mac("10.88.0.2")
    for card in (None, leg):
        if card:
            RUN(["ip", "-n", far, "link", "set", "eth0", "address", card])
        assert not reaches(zones, "far", "10.88.0.10", 8080, source="10.88.0.2")
    assert not reaches(zones, "far", "10.88.0.10", 8080, source="10.88.0.200")  # with the leg's MAC


def test_what_the_kernel_can_do_is_found_by_rules_that_are_lawful_text():
    host = LocalHost()
    assert nft._loads(host, "ip saddr 10.0.0.1 accept")  # every kernel can do this
    assert not nft._loads(host, "no such rule")
