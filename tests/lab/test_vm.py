"""VMs for real: the driver conforms on every engine and storage, and a VM is created, stopped, started, deleted."""

import json

import pytest

from controller.drivers.suite import SUITE
from tests.lab import small_ceph
from tests.lab.rigging import Rig

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def rig(node):
    made = Rig.new(node)
    yield made
    made.erase()


def kept(rig, *words):
    return json.loads(rig("suite", *words).text.splitlines()[-1])


def test_the_driver_conforms_on_libvirts_test_engine(rig):
    assert "pausing_is_explained" in kept(rig, "test:///default", "test")


def test_the_driver_conforms_on_files(rig):
    """A shell in the guest's first root lets devices go, echoes on the serial line, has no agent."""
    assert kept(rig, "qemu:///system", "dir") == [promise.keep.__name__ for promise in SUITE]


def test_the_driver_conforms_with_an_agent(rig):
    assert kept(rig, "qemu:///system", "agent") == ["the_agent_answers_or_not"]


def test_the_driver_conforms_on_ceph(rig):
    small_ceph.up(rig.node, libvirt=True)
    try:
        assert kept(rig, "qemu:///system", "rbd") == [promise.keep.__name__ for promise in SUITE]
    except Exception as error:
        error.add_note(small_ceph.told(rig.node))
        raise
    finally:
        small_ceph.down(rig.node)


def worked(rig):
    seen = rig.work()
    return seen, seen["jobs"][-1]


def test_a_vm_lives_and_dies(rig):
    vm = rig.create("patient", start=True)
    seen, job = worked(rig)
    assert job["state"] == "succeeded", job["error"]
    (row,) = seen["vms"]
    assert (row["wished"], row["actual"], row["agent"]) == ("running", "running", True)
    steps = {step["key"]: step["seconds"] for step in seen["job_steps"]}
    assert list(steps) == ["disk", "seed", "define", "start", "agent", "record"]
    assert all(seconds is not None for seconds in steps.values())
    assert steps["agent"] > 1, "a guest that answers at once is none"

    rig.ask("vm.stop", vm_id=vm, force=False)
    seen, job = worked(rig)
    assert job["state"] == "succeeded", job["error"]
    assert (seen["vms"][0]["actual"], seen["domains"][vm]) == ("stopped", "stopped")

    rig.ask("vm.delete", vm_id=vm)
    seen, job = worked(rig)
    assert job["state"] == "succeeded", job["error"]
    assert (seen["vms"], seen["volumes"]) == ([], [])
    assert vm not in seen["domains"]
    assert seen["owners"] == []


def test_two_vms_are_created_at_once_with_addresses_of_their_own(rig):
    for name in ("left", "right"):
        rig.create(name, zone="intranet")
    seen = rig.work()
    assert {job["state"] for job in seen["jobs"]} == {"succeeded"}
    assert sorted(row["address"] for row in seen["vms"]) == ["10.66.0.10", "10.66.0.11"]
    assert len({row["mac"] for row in seen["vms"]}) == 2


def test_a_vm_that_vanished_is_seen(rig):
    """Somebody undefines a VM behind the controller's back: the record says absent."""
    vm = rig.create("vanishing")
    rig.work()
    rig.node.run(["virsh", "undefine", vm])
    rig.ask("vm.start", vm_id=vm)
    seen, job = worked(rig)
    assert (job["state"], job["error"]["code"]) == ("failed", "driver.no_such_vm")
    assert next(row["actual"] for row in seen["vms"] if row["id"] == vm) == "absent"
