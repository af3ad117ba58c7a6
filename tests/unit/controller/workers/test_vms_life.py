"""The life of machines on three nodes: power, size, interfaces, snapshots, clones, end."""

import pytest

from appliance import chance
from appliance.errors import Conflict
from appliance.host import LocalHost
from controller.actions.vms import DeleteVm, StartVm, StopVm, VmHasClones
from controller.actions.vms_moving import CloneVm
from controller.actions.vms_one import VmWrongPower
from controller.actions.vms_power import PauseVm, ResetVm, ResumeVm
from controller.actions.vms_shape import AddNic, OtherZone, RemoveNic, ResizeVm
from controller.actions.vms_snapshots import (
    DropVmSnapshot,
    RollbackVm,
    SnapshotInUse,
    SnapshotNameTaken,
    SnapshotVm,
    inner_name,
)
from controller.drivers.base import Power
from controller.records.cluster import Nic, Snapshot
from controller.records.tables import Vm, Volume
from tests.unit.controller.workers.machines import Cluster

FULL = True


@pytest.fixture
def cluster(tmp_path):
    return Cluster.new(tmp_path)


def off(cluster, vm):
    cluster.done(StopVm(vm, force=True))


def test_a_machine_is_paused_goes_on_and_is_reset(cluster):
    vm = cluster.create()
    cluster.done(PauseVm(vm))
    assert (cluster.vm(vm).wished, cluster.vm(vm).actual) == ("paused", "paused")
    cluster.done(ResumeVm(vm))
    assert cluster.vm(vm).actual == "running"
    cluster.done(PauseVm(vm))
    cluster.done(StartVm(vm))
    assert cluster.fake("n1").state(vm) is Power.RUNNING
    cluster.done(ResetVm(vm))
    off(cluster, vm)
    with pytest.raises(VmWrongPower):
        cluster.ask(PauseVm(vm))
    cluster.done(DeleteVm(vm))
    cluster.nothing_left()


def test_a_start_and_a_stop_at_once_end_as_the_last_one_wished(cluster):
    vm = cluster.create()
    for force in (True, False):
        cluster.ask(StopVm(vm, force=force))
        cluster.ask(StartVm(vm))
    cluster.ask(StopVm(vm, force=True))
    cluster.work()
    row = cluster.vm(vm)
    assert (row.wished, row.actual) == ("stopped", "stopped")
    assert cluster.fake("n1").state(vm) is Power.STOPPED


def test_a_running_machine_grows_within_its_bounds_and_beyond_them_at_its_next_start(cluster):
    vm = cluster.create()
    job = cluster.done(ResizeVm(vm, 2, 1024))
    assert job.result["hot"] is True
    assert (cluster.vm(vm).vcpus, cluster.vm(vm).pending, cluster.vm(vm).drift) == (2, None, None)
    job = cluster.done(ResizeVm(vm, 8, 8192))
    assert job.result["hot"] is False
    row = cluster.vm(vm)
    assert (row.vcpus, row.memory_mib) == (8, 8192)
    assert row.pending == {"vcpus": [8, 2], "memory_mib": [8192, 1024]}
    assert row.drift is None
    seen = cluster.fake("n1").seen(vm)
    assert (seen.vcpus, seen.live.vcpus) == (8, 2)


def test_a_resize_that_fails_leaves_the_old_size(cluster, monkeypatch):
    vm = cluster.create()
    monkeypatch.setattr("controller.workers.vms_shape.look", lambda _vm: 1 / 0)
    cluster.done(ResizeVm(vm, 2, 1024), ends="failed")
    row = cluster.vm(vm)
    assert (row.vcpus, row.memory_mib, row.resizing) == (1, 512, None)
    seen = cluster.fake("n1").seen(vm)
    assert (seen.vcpus, seen.live.vcpus, seen.memory_mib) == (1, 1, 512)


def test_a_further_interface_leads_into_the_same_zone_only(cluster):
    vm = cluster.create()
    with pytest.raises(OtherZone):
        cluster.ask(AddNic(vm, chance.new_id(), "intranet"))
    nic = chance.new_id()
    job = cluster.done(AddNic(vm, nic, "extranet"))
    assert job.result["address"] == "10.88.0.11"
    row = cluster.rows(Nic)[0]
    assert (row.state, row.position) == ("present", 1)
    seen = cluster.fake("n1").seen(vm)
    assert list(seen.links) == [cluster.vm(vm).mac, row.mac]
    other = cluster.create("other", node="n2")
    assert cluster.vm(other).address == "10.88.0.12", "the interface's address was given twice"
    cluster.done(RemoveNic(vm, nic))
    assert cluster.rows(Nic) == []
    assert list(cluster.fake("n1").seen(vm).links) == [cluster.vm(vm).mac]


def test_an_interface_put_into_the_records_for_another_zone_defines_nothing(cluster):
    vm = cluster.create(start=False)
    nic = chance.new_id()
    cluster.done(AddNic(vm, nic, "extranet"))
    cluster.change(Nic, nic, zone="intranet", address="10.66.0.10", mac="52:54:0a:42:00:0a")
    job = cluster.done(ResizeVm(vm, 2, 512), ends="failed")
    assert job.error["code"] == "job.not_trusted"


def test_a_snapshot_holds_the_guest_still_and_comes_back(cluster):
    vm = cluster.create()
    data = cluster.data_volume(vm)
    snap = chance.new_id()
    cluster.done(SnapshotVm(vm, snap, "before"))
    row = cluster.rows(Snapshot)[0]
    assert (row.state, row.frozen) == ("ready", True)
    assert sorted(row.volumes) == sorted([f"{vm}/system", data])
    assert not cluster.fake("n1").is_frozen(vm)
    with pytest.raises(SnapshotNameTaken):
        cluster.ask(SnapshotVm(vm, chance.new_id(), "before"))
    with pytest.raises(VmWrongPower):
        cluster.ask(RollbackVm(vm, snap))
    off(cluster, vm)
    fill(cluster, data, 0x5A)
    assert first(cluster, data) == 0x5A
    cluster.done(RollbackVm(vm, snap))
    assert first(cluster, data) == 0
    assert cluster.shared.snapshots(data) == (inner_name(snap),)
    cluster.done(DropVmSnapshot(vm, snap))
    assert cluster.rows(Snapshot) == []
    assert cluster.shared.snapshots(data) == ()


def test_a_rollback_that_fails_half_way_leaves_all_as_it_was(cluster, monkeypatch):
    vm = cluster.create(start=False)
    data = cluster.data_volume(vm)
    snap = chance.new_id()
    cluster.done(SnapshotVm(vm, snap, "before"))
    system = f"{vm}/system"
    fill(cluster, system, 0x11)
    real = cluster.shared.roll_back

    def broken(volume, name):
        if volume == data and name == inner_name(snap):
            raise Conflict(why="the disk says no")
        real(volume, name)

    monkeypatch.setattr(cluster.shared, "roll_back", broken)
    cluster.done(RollbackVm(vm, snap), ends="failed")
    assert first(cluster, system) == 0x11
    assert cluster.shared.snapshots(system) == (inner_name(snap),)


def test_a_running_machine_on_its_nodes_own_disks_must_be_off_for_a_snapshot(cluster):
    vm = cluster.create(storage="dir")
    job = cluster.done(SnapshotVm(vm, chance.new_id(), "live"), ends="failed")
    assert job.error["code"] == "vm.wrong_power"
    assert cluster.rows(Snapshot) == []
    off(cluster, vm)
    cluster.done(SnapshotVm(vm, chance.new_id(), "off"))
    cluster.done(DeleteVm(vm))
    cluster.nothing_left()


@pytest.mark.parametrize("full", [FULL, not FULL])
@pytest.mark.parametrize("storage", ["rbd", "dir"])
def test_a_clone_is_another_machine(cluster, full, storage):
    vm = cluster.create(storage=storage, start=False, user_data="#cloud-config\nruncmd: [ls]\n")
    clone = chance.new_id()
    cluster.done(CloneVm(clone, "twin", vm, "", full, "n1"))
    row, origin = cluster.vm(clone), cluster.vm(vm)
    assert (row.wished, row.actual) == ("stopped", "stopped")
    assert {row.mac, row.address, row.name}.isdisjoint({origin.mac, origin.address, origin.name})
    system = next(v for v in cluster.rows(Volume) if v.id == f"{clone}/system")
    assert bool(system.parent) is not full
    seed = cluster.site.storage(storage, "n1").source(f"{clone}/seed").path.read_bytes()
    assert clone.encode() in seed
    assert b"cloud-boothook" in seed
    if not full:
        with pytest.raises(VmHasClones):
            cluster.ask(DeleteVm(vm))
    cluster.done(DeleteVm(clone))
    assert cluster.site.storage(storage, "n1").snapshots(f"{vm}/system") == ()
    cluster.done(DeleteVm(vm))
    cluster.nothing_left()


def test_a_clone_has_data_volumes_of_its_own(cluster):
    vm = cluster.create()
    data = cluster.data_volume(vm)
    fill(cluster, data, 0x77)
    clone = chance.new_id()
    cluster.done(CloneVm(clone, "twin", vm, "", FULL, "n2"))
    (copy,) = (v for v in cluster.rows(Volume) if v.vm_id == clone and v.kind == "data")
    assert copy.id != data
    assert (copy.actual, copy.name) == ("present", "twin-records")
    assert first(cluster, copy.id) == 0x77
    assert "data-1" in cluster.fake("n2").seen(clone).disks
    cluster.done(DeleteVm(clone))
    assert cluster.rows(Volume)
    (left,) = (v for v in cluster.rows(Volume) if v.id == copy.id)
    assert left.vm_id is None, "a data volume goes with its machine"


def test_a_snapshot_that_clones_rest_on_stays(cluster):
    vm = cluster.create()
    snap = chance.new_id()
    cluster.done(SnapshotVm(vm, snap, "gold"))
    clone = chance.new_id()
    cluster.done(CloneVm(clone, "twin", vm, snap, not FULL, "n3"))
    with pytest.raises(SnapshotInUse):
        cluster.ask(DropVmSnapshot(vm, snap))
    cluster.done(DeleteVm(clone))
    cluster.done(DropVmSnapshot(vm, snap))


def test_deleting_says_what_was_erased(cluster):
    vm = cluster.create()
    job = cluster.done(DeleteVm(vm))
    erased = job.result["erased system"]
    assert erased["volume"] == f"{vm}/system"
    assert {"method", "bytes", "verified"} <= set(erased)
    cluster.nothing_left()


def test_a_clone_that_fails_leaves_nothing(cluster, monkeypatch):
    vm = cluster.create(start=False)

    def broken(*_given):
        raise Conflict(why="no room")

    monkeypatch.setattr(cluster.shared, "copy", broken)
    cluster.done(CloneVm(chance.new_id(), "twin", vm, "", FULL, "n2"), ends="failed")
    assert [row.id for row in cluster.rows(Vm)] == [vm]
    assert cluster.shared.snapshots(f"{vm}/system") == ()
    cluster.done(DeleteVm(vm))
    cluster.nothing_left()


def fill(cluster, volume, byte):
    path = str(cluster.shared.source(volume).path)
    LocalHost().run(["qemu-io", "-f", "qcow2", "-c", f"write -P {byte} 0 64k", path])


def first(cluster, volume):
    path = str(cluster.shared.source(volume).path)
    said = LocalHost().run(["qemu-io", "-f", "qcow2", "-c", "read -v 0 16", path]).text
    return int(said.split("00000000:")[1].split()[0], 16)
