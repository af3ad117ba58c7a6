"""The prover: all refused on a clean gateway, and each hole, opened on purpose, is found."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from appliance.signing import BadSignature, SigningKey
from network.gateway.prove import check, prove, render
from tests.netns.world import CHANNELS, RUN

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]
KEY = SigningKey.new()


class InHost:
    """The box's own namespace as a host to run the probes on."""

    name = "box"

    def __init__(self, world):
        self._enter = ["nsenter", f"--net=/run/netns/{world.host}"]

    def run(self, argv, **given):
        return RUN([*self._enter, *argv], **given)


def proof(world):
    return prove(KEY, world.layout, InHost(world))


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    before = set(Path("/tmp").glob("hbox-probe-*"))
    yield
    assert set(Path("/tmp").glob("hbox-probe-*")) <= before


def open_ones(proven):
    return {f.probe for f in proven.findings if f.verdict == "OPEN"}


@pytest.fixture
def filtered(world):
    """A box with filter and settings in force, its gateway not yet started."""
    world.issue(*CHANNELS)
    world.in_host(
        sys.executable, "-c",
        f"from network.apply import apply\nfrom network.zones import prefixed\napply([], prefixed({world.prefix!r}))",
    )  # fmt: skip
    return world


def start(world, script="network.gateway.launcher"):
    """Start without knocking at the legs: the filter has no flow for that."""
    world.wait_ready = lambda seconds=40.0: world.until(world.speaks)
    world.start(script)


def test_a_clean_gateway_refuses_everything(filtered):
    start(filtered)
    proven = proof(filtered)
    assert [f for f in proven.findings if f.verdict != "refused"] == []
    assert len(proven.findings) >= 35
    assert proven.holds
    assert proven.level == "L1"
    check(proven, KEY.public)
    assert json.loads(render(proven))["level_means"]["zh"]
    with pytest.raises(BadSignature):
        check(dataclasses.replace(proven, level="L3"), KEY.public)


def test_no_gateway_no_proof(filtered):
    with pytest.raises(Unavailable):
        proof(filtered)


def test_a_link_between_the_legs_is_found(filtered):
    start(filtered)
    front, _, back = filtered.plan.namespaces
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
    assert {"tcp4", "tcp6", "udp4", "udp6", "extra-interface"} == open_ones(proof(filtered))


def test_holes_around_the_guard_are_found(filtered):
    start(filtered)
    guard = filtered.plan.guard_netns
    RUN(["ip", "-n", guard, "link", "set", "lo", "up"])
    RUN(["ip", "-n", guard, "link", "add", "hole", "type", "dummy"], check=False)
    if b"hole" not in RUN(["ip", "-n", guard, "link"]).out:
        RUN(["ip", "-n", guard, "link", "add", "hole", "type", "veth", "peer", "name", "hole2"])
    assert open_ones(proof(filtered)) == {"guard-loopback", "extra-interface"}


def test_a_forwarding_host_is_found(filtered):
    start(filtered)
    filtered.in_host("sysctl", "-qw", "net.ipv4.ip_forward=1")
    filtered.in_host("nft", "add rule inet hbox forward accept")
    assert open_ones(proof(filtered)) == {"settings", "forward-drop"}
    filtered.in_host("nft", "delete table inet hbox")
    assert "forward-drop" in open_ones(proof(filtered))


@pytest.mark.parametrize(
    ("hole", "found"),
    [
        ("no-filter", {"unix-path", "unix-path-descriptor", "shared-folder", "rights", "guard-socket"}),
        ("capabilities", {"add-address", "add-route", "add-link", "rights"}),
        ("own-pipes", {"pipe-reopen"}),
        ("extra-pipe", {"direct-descriptor"}),
        ("guard-socket-held", {"guard-holds-socket"}),
        (
            "one-namespace",
            {"tcp4", "udp4", "unix-path", "unix-path-descriptor", "unix-abstract",
             "unix-abstract-descriptor", "shared-folder", "rights", "one-namespace", "guard-socket"},
        ),
    ],
)  # fmt: skip
def test_a_doctored_launcher_is_found(filtered, hole, found):
    (filtered.folder / "hole").write_text(hole)
    if hole == "one-namespace":
        front, intranet = filtered.plan.extranet.netns, filtered.plan.intranet
        RUN(["ip", "-n", front, "addr", "add", f"{intranet.leg_address}/24", "dev", "eth0"])
        RUN(["ip", "-n", front, "link", "set", "lo", "up"])
    start(filtered, "tests/netns/doctored.py")
    assert open_ones(proof(filtered)) >= found
    assert open_ones(proof(filtered)) - found <= {"tcp6", "udp6", "extra-interface"}
