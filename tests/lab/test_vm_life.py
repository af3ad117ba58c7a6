"""The life of a machine on real libvirt: size, interfaces, snapshots, clones, drift by virsh, power."""

import uuid

import pytest

from tests.lab.rigging import Rig, wish

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]


@pytest.fixture
def rig(node):
    made = Rig.new(node)
    yield made
    made.erase()


def do(rig, *wishes, ends="succeeded"):
    """Ask for these jobs, each when the one before has ended; return what is there."""
    words = [word for one in wishes for word in (*one, "+", "work", "+")]
    rig(*words[:-1], timeout=900)
    seen = rig.dump()
    job = seen["jobs"][-1]
    assert job["state"] == ends, (job["error"], [line["line"] for line in seen["job_lines"]][-5:])
    return seen, job


def broken(seen):
    return [(job["kind"], job["error"]) for job in seen["jobs"] if job["state"] != "succeeded"]


def drift(rig, vm):
    rig("inspect")
    return next(row for row in rig.dump()["vms"] if row["id"] == vm)["drift"]


def test_a_machine_that_is_off(rig):
    """Nothing boots: definition, disks and records only."""
    made = rig.creation("life")
    vm, snap, linked, full, nic = made.vm, *(str(uuid.uuid4()) for _ in range(4))
    clone = {"origin": vm, "snapshot_id": "", "node": rig.host}
    seen, _ = do(
        rig,
        made.words,
        wish("vm.resize", vm_id=vm, vcpus=2, memory_mib=640),
        wish("vm.nic.add", vm_id=vm, nic_id=nic, zone="extranet"),
        wish("vm.snapshot", vm_id=vm, snapshot_id=snap, name="gold"),
        wish("vm.clone", vm_id=linked, name="linked", full=False, **clone),
        wish("vm.clone", vm_id=full, name="full", full=True, **clone),
        wish("vm.rollback", vm_id=vm, snapshot_id=snap),
    )
    assert broken(seen) == []
    rows = {row["id"]: row for row in seen["vms"]}
    assert (rows[vm]["vcpus"], rows[vm]["memory_mib"], rows[vm]["pending"]) == (2, 640, None)
    assert len({row["mac"] for row in rows.values()}) == 3
    text = rig.node.run(["virsh", "dumpxml", vm]).text
    assert text.count("<interface ") == 2
    assert drift(rig, vm) is None

    rig.node.run(["virsh", "attach-interface", vm, "bridge", "br-int", "--config"])
    rig.node.run(["virsh", "start", vm])
    found = drift(rig, vm)
    assert set(found) == {"links", "power"}
    do(rig, wish("vm.mend", vm_id=vm))
    assert drift(rig, vm) is None
    assert rig.node.run(["virsh", "domstate", vm]).text.strip() == "shut off"
    assert rig.node.run(["virsh", "dumpxml", vm]).text.count("<interface ") == 2

    refused = rig(*wish("vm.delete", vm_id=vm), check=False)
    assert b"vm.has_clones" in refused.err or b"Linked clones" in refused.err
    seen, _ = do(
        rig,
        wish("vm.delete", vm_id=linked),
        wish("vm.snapshot.drop", vm_id=vm, snapshot_id=snap),
        wish("vm.delete", vm_id=full),
        wish("vm.delete", vm_id=vm),
    )
    assert (seen["vms"], seen["volumes"], seen["owners"]) == ([], [], [])
    assert {"erased system", "erased seed"} <= set(seen["jobs"][-1]["result"])


def test_a_machine_that_runs(rig):
    """It runs without an operating system that matters: power, size, interfaces, while QEMU is there."""
    made = rig.creation("live")
    vm, nic = made.vm, str(uuid.uuid4())
    do(rig, made.words)
    rig.node.run(["virsh", "start", vm])
    assert set(drift(rig, vm)) == {"power"}
    seen, _ = do(
        rig,
        wish("vm.accept", vm_id=vm),
        wish("vm.pause", vm_id=vm),
        wish("vm.resume", vm_id=vm),
        wish("vm.reset", vm_id=vm),
        wish("vm.nic.add", vm_id=vm, nic_id=nic, zone="extranet"),
        wish("vm.resize", vm_id=vm, vcpus=2, memory_mib=512),
        wish("vm.resize", vm_id=vm, vcpus=12, memory_mib=512),
    )
    assert broken(seen) == []
    (row,) = seen["vms"]
    assert (row["wished"], row["actual"], row["vcpus"]) == ("running", "running", 12)
    assert row["pending"] == {"vcpus": [12, 2]}
    assert rig.node.run(["virsh", "vcpucount", vm, "--live", "--current"]).text.strip() == "2"
    assert rig.node.run(["virsh", "vcpucount", vm, "--config", "--current"]).text.strip() == "12"
    autostart = rig.node.run(["virsh", "dominfo", vm]).text
    assert "Autostart:      enable" in autostart
    _, job = do(rig, wish("vm.snapshot", vm_id=vm, snapshot_id=str(uuid.uuid4()), name="live"), ends="failed")  # fmt: skip
    assert job["error"]["code"] == "vm.wrong_power"
    seen, _ = do(rig, wish("vm.stop", vm_id=vm, force=True), wish("vm.delete", vm_id=vm))
    assert (seen["vms"], seen["owners"]) == ([], [])
