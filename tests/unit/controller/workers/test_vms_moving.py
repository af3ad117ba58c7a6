"""Machines on three nodes: moved, moved half-way, a node away, somebody moving them behind our back."""

import threading

import pytest

from controller.actions.placing import NoPlace
from controller.actions.vms import DeleteVm, StopVm
from controller.actions.vms_drift import AcceptVm, DriftForeign, MendVm, NoDrift
from controller.actions.vms_moving import MigrateVm, VmNotMovable
from controller.actions.vms_power import PauseVm
from controller.drivers.base import Disk, EngineUnavailable, Link, Power, Target
from controller.drivers.storage import FileSource
from controller.jobs.log import tell
from controller.records.tables import Node
from controller.workers import vms_moving
from controller.workers.watch import inspect_all, resync
from tests.unit.controller.workers.machines import NODES, Cluster


@pytest.fixture
def cluster(tmp_path):
    return Cluster.new(tmp_path)


def places(cluster, vm):
    return {
        n: str(cluster.fake(n).state(vm)) for n in NODES if cluster.fake(n).state(vm) != "absent"
    }


def test_a_running_machine_is_moved_and_what_it_cost_is_told(cluster):
    vm = cluster.create()
    job = cluster.done(MigrateVm(vm, "n2"))
    assert places(cluster, vm) == {"n2": "running"}
    assert cluster.vm(vm).node == "n2"
    assert {"total_ms", "downtime_ms", "sent_mib"} <= set(job.result)
    assert job.result["encrypted"] is True
    with pytest.raises(VmNotMovable):
        cluster.ask(MigrateVm(vm, "n2"))
    cluster.done(DeleteVm(vm))
    cluster.nothing_left()


@pytest.mark.parametrize("power", ["paused", "stopped"])
def test_a_machine_that_does_not_run_moves_too_and_stays_as_it_was(cluster, power):
    vm = cluster.create()
    cluster.done(PauseVm(vm) if power == "paused" else StopVm(vm, force=True))
    cluster.done(MigrateVm(vm, "n3"))
    assert places(cluster, vm) == {"n3": power}
    assert (cluster.vm(vm).node, cluster.vm(vm).actual) == ("n3", power)


def test_a_machine_with_disks_of_its_node_says_why_it_stays(cluster):
    vm = cluster.create(storage="dir")
    with pytest.raises(VmNotMovable, match="its disks"):
        cluster.ask(MigrateVm(vm, "n2"))
    other = cluster.create("other")
    cluster.change(Node, "n2", accelerator="kvm")
    with pytest.raises(VmNotMovable, match="KVM"):
        cluster.ask(MigrateVm(other, "n2"))
    cluster.change(Node, "n3", state="maintenance")
    with pytest.raises(NoPlace, match="maintenance"):
        cluster.ask(MigrateVm(other, "n3"))


@pytest.mark.parametrize("arrived", [True, False])
def test_a_worker_that_dies_in_the_middle_finds_it_on_the_right_side(tmp_path, arrived):
    """The engine goes on with a move when the worker is gone; the next worker looks before it acts."""
    cluster = Cluster.new(tmp_path, crossing=0.0 if arrived else 0.3)
    vm = cluster.create()
    if arrived:
        cluster.fake("n1").migrate(vm, Target("n2", "fake://n2", ""), lambda _part: None)
    else:
        thread = threading.Thread(
            target=cluster.fake("n1").migrate,
            args=(vm, Target("n2", "fake://n2", ""), lambda _part: None),
        )
        thread.start()
    cluster.done(MigrateVm(vm, "n2"))
    assert places(cluster, vm) == {"n2": "running"}
    assert cluster.vm(vm).node == "n2"


def test_a_move_that_cannot_be_leaves_it_where_it_is(cluster, monkeypatch):
    vm = cluster.create()

    def broken(*_given):
        raise EngineUnavailable(why="cut off")

    monkeypatch.setattr(cluster.fake("n1"), "migrate", broken)
    cluster.done(MigrateVm(vm, "n2"), ends="failed")
    assert places(cluster, vm) == {"n1": "running"}
    assert (cluster.vm(vm).node, cluster.vm(vm).actual) == ("n1", "running")


def test_cancelled_behind_the_move_it_stays_on_the_target_and_is_recorded_there(cluster):
    vm = cluster.create()
    cluster.fake("n1").migrate(vm, Target("n2", "fake://n2", ""), lambda _part: None)
    vms_moving.stay(cluster.site, vm, "n2", tell)
    assert cluster.vm(vm).node == "n2"
    assert places(cluster, vm) == {"n2": "running"}


def test_a_stray_definition_elsewhere_is_cleared(cluster):
    vm = cluster.create()
    machine = vms_moving.Machine.of(cluster.site, vm)
    machine.on("n3").define()
    cluster.done(MigrateVm(vm, "n2"))
    assert places(cluster, vm) == {"n2": "running"}


def test_a_node_that_is_away_makes_its_machines_unknown_never_absent(cluster, monkeypatch):
    here, there = cluster.create("here"), cluster.create("there", node="n2")

    def away():
        raise EngineUnavailable(why="n2 is off")

    with monkeypatch.context() as patch:
        patch.setattr(cluster.fake("n2"), "states", away)
        resync(cluster.site)
        inspect_all(cluster.site)
    assert cluster.vm(there).actual == "unknown"
    assert cluster.vm(there).drift is None
    assert cluster.vm(here).actual == "running"
    resync(cluster.site)
    assert cluster.vm(there).actual == "running"


def test_somebody_moves_it_with_virsh_and_it_is_accepted_or_mended(cluster):
    vm = cluster.create()
    for verb in (AcceptVm, MendVm):
        source = cluster.vm(vm).node
        target = "n2" if source == "n1" else "n1"
        cluster.fake(source).migrate(vm, Target(target, f"fake://{target}", ""), lambda _p: None)
        resync(cluster.site)
        inspect_all(cluster.site)
        assert cluster.vm(vm).drift == {"node": [source, target]}
        assert cluster.vm(vm).actual == "running"
        cluster.done(verb(vm))
        assert cluster.vm(vm).drift is None
        wanted = target if verb is AcceptVm else source
        assert (cluster.vm(vm).node, places(cluster, vm)) == (wanted, {wanted: "running"})


def test_running_twice_is_shown_and_decided_by_nobody_but_a_person(cluster):
    vm = cluster.create()
    machine = vms_moving.Machine.of(cluster.site, vm)
    machine.on("n2").define()
    cluster.fake("n2").start(vm)
    inspect_all(cluster.site)
    assert cluster.vm(vm).drift == {"twice": ["n1", ["n1", "n2"]]}
    with pytest.raises(DriftForeign):
        cluster.ask(AcceptVm(vm))
    job = cluster.done(MendVm(vm), ends="failed")
    assert job.error["code"] == "vm.twice"
    assert places(cluster, vm) == {"n1": "running", "n2": "running"}


def test_what_was_changed_behind_our_back_is_found_and_mended(cluster):
    vm = cluster.create()
    with pytest.raises(NoDrift):
        cluster.ask(MendVm(vm))
    engine = cluster.fake("n1")
    engine.resize(vm, 4, 512)
    engine.attach(vm, Disk(FileSource(cluster.folder / "usb.qcow2"), "stick"), keep=True)
    engine.plug(vm, Link("br-int", "52:54:00:00:00:01", "tap0"))
    inspect_all(cluster.site)
    drift = cluster.vm(vm).drift
    assert set(drift) == {"vcpus", "disks", "links"}
    assert drift["vcpus"] == [1, 4]
    with pytest.raises(DriftForeign, match="foreign"):
        cluster.ask(AcceptVm(vm))
    cluster.done(MendVm(vm))
    assert cluster.vm(vm).drift is None
    seen = engine.seen(vm)
    assert (seen.vcpus, seen.disks) == (1, ("system", "seed"))
    assert seen.links == (cluster.vm(vm).mac,) == seen.live.links


def test_a_size_and_a_power_that_were_changed_can_be_accepted(cluster):
    vm = cluster.create()
    engine = cluster.fake("n1")
    engine.resize(vm, 2, 1024)
    engine.stop(vm, force=True)
    inspect_all(cluster.site)
    assert cluster.vm(vm).drift == {
        "vcpus": [1, 2], "memory_mib": [512, 1024], "power": ["running", "stopped"],
    }  # fmt: skip
    cluster.done(AcceptVm(vm))
    row = cluster.vm(vm)
    assert (row.vcpus, row.memory_mib, row.wished, row.drift) == (2, 1024, "stopped", None)


def test_what_changes_again_before_it_is_accepted_is_not_accepted(cluster):
    vm = cluster.create()
    cluster.fake("n1").resize(vm, 2, 512)
    inspect_all(cluster.site)
    job_id = cluster.ask(AcceptVm(vm))
    cluster.fake("n1").resize(vm, 64, 512)
    cluster.work()
    assert cluster.job(job_id).error["code"] == "vm.drift_moved"
    assert cluster.vm(vm).vcpus == 1


def test_a_machine_whose_definition_is_gone_is_defined_again(cluster):
    vm = cluster.create()
    cluster.fake("n1").undefine(vm)
    resync(cluster.site)
    inspect_all(cluster.site)
    assert (cluster.vm(vm).actual, set(cluster.vm(vm).drift)) == ("absent", {"definition"})
    cluster.done(MendVm(vm))
    assert places(cluster, vm) == {"n1": "running"}


def test_a_paused_machine_that_somebody_let_go_on_is_paused_again(cluster):
    vm = cluster.create()
    cluster.done(PauseVm(vm))
    cluster.fake("n1").resume(vm)
    inspect_all(cluster.site)
    assert cluster.vm(vm).drift == {"power": ["paused", "running"]}
    cluster.done(MendVm(vm))
    assert cluster.fake("n1").state(vm) is Power.PAUSED
