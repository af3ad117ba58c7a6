"""Fifty machines from one template at once, then their deletion: all different, no error, nothing left.

The machines are small (128 MiB, a linked clone each) and are not started: what is tested, and measured,
is the controller, not fifty translated guests on two cores.
"""

import sys
import time

import pytest

from tests.lab.rigging import Rig, wish

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

MANY = 50


@pytest.fixture
def rig(node):
    made = Rig.new(node)
    yield made
    made.erase()


def words(wishes) -> list[str]:
    return [word for one in wishes for word in (*one, "+")]


def test_fifty_are_made_and_unmade_at_once(rig):
    wishes = [rig.creation(f"many-{n}", zone="intranet") for n in range(MANY)]
    before = rig.node.run(["virsh", "list", "--all", "--uuid"]).text.split()
    began = time.monotonic()
    rig(*words(one.words for one in wishes), "work", timeout=1100)
    made_in = time.monotonic() - began
    seen = rig.dump()
    states = [(job["state"], job["error"]) for job in seen["jobs"]]
    assert states == [("succeeded", None)] * MANY
    assert sorted(row["id"] for row in seen["vms"]) == sorted(one.vm for one in wishes)
    for what in ("id", "mac", "address", "name"):
        assert len({row[what] for row in seen["vms"]}) == MANY
    domains = rig.node.run(["virsh", "list", "--all", "--uuid"]).text.split()
    assert {one.vm for one in wishes} <= set(domains)
    macs = "".join(rig.node.run(["virsh", "domiflist", one.vm]).text for one in wishes[:5])
    assert all(row["mac"] in macs for row in seen["vms"] if row["id"] in {w.vm for w in wishes[:5]})
    assert len([v for v in seen["volumes"] if v["kind"] == "system"]) == MANY

    began = time.monotonic()
    rig(*words(wish("vm.delete", vm_id=one.vm) for one in wishes), "work", timeout=1100)
    gone_in = time.monotonic() - began
    seen = rig.dump()
    assert {job["state"] for job in seen["jobs"]} == {"succeeded"}
    assert (seen["vms"], seen["volumes"], seen["owners"], seen["ledger"]) == ([], [], [], [])
    assert rig.node.run(["virsh", "list", "--all", "--uuid"]).text.split() == before
    files = rig.node.run(["find", f"{rig.state}/volumes", "-type", "f"], check=False).text
    assert files == ""
    told = f"{MANY} made in {made_in:.1f} s, unmade with erasing in {gone_in:.1f} s\n"
    sys.stderr.write(told)
