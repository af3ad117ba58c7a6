"""On the box itself: what is approved is in the packet filter and in the gateway's policy, and no more."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

MODULES = Path(__file__).parents[2] / "appliance" / "modules"
PYTHON = "/usr/lib/hbox/venv/bin/python"
SCRIPT = """
import sys
from pathlib import Path
from appliance.sdk.manifest import parse
from appliance.settings import load
from controller.work import home_site
from controller.workers.approvals import Approvals
from controller.workers.openings import Approved
approvals = Approvals(home_site(load()))
for name in ("appointment", "his-standin"):
    approvals.withdraw(name)
for word in sys.argv[1:]:
    name, address = word.split("=")
    found = parse(Path(f"/root/{name}.toml").read_bytes())
    approvals.add(Approved(found, address, "secadmin"))
approvals.enforce(print)
"""
BOTH = ("appointment=10.88.0.10", "his-standin=10.66.0.10")


@pytest.fixture(scope="module")
def box(node):
    node.wait_ready(units=["hbox-worker", "hbox-gateway"])
    for name in ("appointment", "his-standin"):
        node.write(f"/root/{name}.toml", (MODULES / name / "module.toml").read_bytes())
    yield node
    enforce(node)


def enforce(node, *approved: str) -> str:
    return node.run([PYTHON, "-c", SCRIPT, *approved], timeout=120).text


def opened(node) -> set[tuple[str, ...]]:
    """Source, destination and port of every accepted TCP connection in the bridge table."""
    listed = node.run(["nft", "list", "table", "bridge", "hbox"]).text
    words = [line.split() for line in listed.splitlines() if "dport" in line]
    return {
        (w[w.index("saddr") + 1], w[w.index("daddr") + 1], w[w.index("dport") + 1]) for w in words
    }


def channels(node) -> list[str]:
    """Ids of the channels in the policy that the gateway would accept: its signature is checked."""
    script = (
        "from pathlib import Path; from appliance.signing import VerifyKey;"
        "from network.gateway.policy import load;"
        "key = VerifyKey.from_pem(Path('/var/lib/hbox/keys/policy.key.pub').read_bytes());"
        "print(*[c.id for c in load(Path('/var/lib/hbox/gateway'), key).policy.channels])"
    )
    return node.run([PYTHON, "-c", script]).text.split()


def test_nothing_approved_nothing_open(box):
    assert "nothing is open" in enforce(box)
    assert opened(box) == set()
    assert channels(box) == []


def test_one_side_alone_opens_no_channel(box):
    enforce(box, BOTH[0])
    assert opened(box) == {("10.88.0.200", "10.88.0.10", "8080")}
    assert channels(box) == []


def test_both_sides_open_what_they_declare(box):
    enforce(box, *BOTH)
    assert len(opened(box)) == 10
    assert {("10.88.0.10", "10.88.0.2", port) for port in ("8080", "2575")} <= opened(box)
    assert not [way for way in opened(box) if way[0].split(".")[1] != way[1].split(".")[1]]
    assert sorted(channels(box)) == [
        "booking", "booking-answer", "booking-hl7", "booking-hl7-answer", "slot-read",
    ]  # fmt: skip
    state = box.run(["systemctl", "is-active", "hbox-gateway"]).text.strip()
    assert state == "active"


def test_withdrawn_is_closed_again(box):
    enforce(box, *BOTH)
    enforce(box)
    assert opened(box) == set()
    assert channels(box) == []
