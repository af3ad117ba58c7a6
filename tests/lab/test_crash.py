"""The worker killed at step boundaries of making and deleting a VM: finished or fully undone, nothing else.

`HBOX_CRASH=all` kills it at every one; else at a few, chosen by `HBOX_CRASH_SEED`.
"""

import pytest

from tests.lab.rigging import Rig, wish
from tests.sampling import sample

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

STEPS = ("disk", "seed", "define", "record")
PHASES = ("begun", "done", "recorded")
FORWARD = [(step, phase) for step in STEPS for phase in PHASES] + [("", "ended")]
DELETION = [(step, phase) for step in ("stop", "undefine", "erase") for phase in PHASES]
BACK = [(step, f"undo-{phase}") for step in ("define", "seed", "disk") for phase in PHASES]


@pytest.fixture(scope="module")
def rig(node):
    made = Rig.new(node)
    yield made
    made.erase()


def virsh(rig) -> set[str]:
    return set(rig.node.run(["virsh", "list", "--all", "--uuid"]).text.split())


def whole(rig, vm: str, seen) -> None:
    """The VM is there in every respect."""
    assert vm in virsh(rig)
    files = rig.node.run(["ls", f"{rig.state}/volumes/{vm}"]).text.split()
    assert {"system.qcow2", "seed.iso"} <= set(files)
    row = next(row for row in seen["vms"] if row["id"] == vm)
    assert (row["wished"], row["actual"]) == ("stopped", "stopped")
    assert row["address"] == "10.88.0.10", "an earlier run kept its address"
    assert sorted(v["kind"] for v in seen["volumes"] if v["vm_id"] == vm) == ["seed", "system"]
    quiet(seen)


def gone(rig, vm: str, seen) -> None:
    """Nothing of the VM is anywhere: no domain, file, row, address or lock."""
    assert vm not in virsh(rig)
    assert seen["owners"] == []
    assert vm not in rig.node.run(["ls", "-a", f"{rig.state}/volumes"]).text
    assert seen["vms"] == []
    assert seen["volumes"] == []
    quiet(seen)


def quiet(seen) -> None:
    """No job holds anything any more, and each says so."""
    assert seen["ledger"] == []
    for job in seen["jobs"]:
        assert job["state"] in ("succeeded", "failed", "cancelled", "refused")
        assert (job["worker"], job["lease_until"]) == (None, None)


def remove(rig, vm: str) -> None:
    rig(*wish("vm.delete", vm_id=vm), "+", "work")


@pytest.mark.parametrize(("step", "phase"), sample(FORWARD, 5, "create"))
def test_killed_while_creating(rig, step, phase):
    made = rig.creation("crash")
    rig.die_at(step, phase, *made.words)
    seen = rig.work()
    whole(rig, made.vm, seen)
    assert seen["jobs"][-1]["state"] == "succeeded"
    remove(rig, made.vm)


@pytest.fixture
def in_the_way(rig):
    """A foreign domain of the same name: libvirt refuses the second one, so the job must go back."""
    uuid = "0f0f0f0f-0000-4000-8000-000000000001"
    text = (
        f"<domain type='qemu'><name>blocked</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    rig.node.write("/root/blocked.xml", text.encode())
    rig.node.run(["virsh", "define", "/root/blocked.xml"])
    yield uuid
    rig.node.run(["virsh", "undefine", uuid])


@pytest.mark.parametrize(("step", "phase"), sample(BACK, 3, "undo"))
def test_killed_while_undoing(rig, in_the_way, step, phase):
    made = rig.creation("blocked")
    rig.die_at(step, phase, *made.words)
    seen = rig.work()
    gone(rig, made.vm, seen)
    job = seen["jobs"][-1]
    assert (job["state"], job["error"]["code"]) == ("failed", "driver.failed")
    assert in_the_way in virsh(rig)


@pytest.mark.parametrize("step", ["define", "record"])
def test_libvirtd_killed_while_creating(rig, step):
    vm = rig.create("orphan")
    whole(rig, vm, rig.work(libvirtd=(step, "begun")))
    remove(rig, vm)


@pytest.mark.parametrize(("step", "phase"), sample(DELETION, 3, "delete"))
def test_killed_while_deleting(rig, step, phase):
    made = rig.creation("doomed")
    rig.die_at(step, phase, *made.words, "+", "work", "+", *wish("vm.delete", vm_id=made.vm))
    gone(rig, made.vm, rig.work())
