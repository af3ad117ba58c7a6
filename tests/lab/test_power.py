"""The node loses its power while a VM is being created: it comes back and the job is finished."""

import pytest

from tests.lab.rigging import Rig

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture
def rig(node):
    made = Rig.new(node)
    yield made
    made.erase()


def power_cut(the_lab) -> None:
    the_lab.cut(0)
    the_lab.start(0)
    the_lab.nodes[0].wait_ready(units=["hbox-network", "libvirtd"])


def test_what_ran_runs_again_and_the_job_goes_on(the_lab, rig):
    made = rig.creation("phoenix", start=True)
    rig.die_at("agent", "begun", *made.words)
    power_cut(the_lab)
    rig.node.run(["virsh", "list"])  # libvirtd is started by its socket and starts what ran
    assert rig.node.run(["virsh", "domstate", made.vm]).text.strip() == "running"
    seen = rig.work()
    job = seen["jobs"][-1]
    assert job["state"] == "succeeded", job["error"]
    (row,) = seen["vms"]
    assert (row["actual"], row["agent"]) == ("running", True)
    assert seen["ledger"] == []

    stopping = ("submit", "vm.stop", f'{{"vm_id": "{made.vm}", "force": true}}')
    rig(*stopping, "+", "work")
    power_cut(the_lab)
    rig.node.run(["virsh", "list"])
    assert rig.node.run(["virsh", "domstate", made.vm]).text.strip() == "shut off"
