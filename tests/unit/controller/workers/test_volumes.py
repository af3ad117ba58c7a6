"""The life of volumes on three nodes: real qcow2 files, records, ledger; only the hypervisors are fakes."""

import json
from dataclasses import replace

import pytest

from appliance import chance
from appliance.errors import BadInput, BoxError
from appliance.host import LocalHost
from controller.actions.vms import DeleteVm, StopVm
from controller.actions.vms_one import VmWrongPower
from controller.actions.volumes import (
    AttachVolume,
    CreateVolume,
    DeleteVolume,
    DetachVolume,
    GrowVolume,
    VolumeElsewhere,
)
from controller.actions.volumes_kept import (
    CloneVolume,
    DropVolumeSnapshot,
    NoSuchSnapshot,
    RollBackVolume,
    SnapshotNameTaken,
    SnapshotVolume,
)
from controller.actions.volumes_moving import MoveVolume, VolumeHasSnapshots
from controller.actions.volumes_one import (
    StorageUnusable,
    VolumeAttached,
    VolumeBusy,
    VolumeDetached,
    VolumeHasClones,
    VolumeNameTaken,
)
from controller.api import erasures as shown
from controller.drivers.storage_dir import DirStorage
from controller.records.cluster import Storage
from controller.records.tables import Volume
from controller.workers import erasures, volumes, volumes_moving
from controller.workers.disks import Volumed
from tests.unit.controller.workers.machines import Cluster, SharedFolder


@pytest.fixture
def cluster(tmp_path):
    return Cluster.new(tmp_path)


def make(cluster, name="records", *, storage="dir", node="n1", gib=1):
    volume = chance.new_id()
    cluster.done(CreateVolume(volume, name, gib, storage, node if storage == "dir" else ""))
    return volume


def row(cluster, volume):
    key = volume if "/" in volume else f"{volume}/data"
    return next((one for one in cluster.rows(Volume) if one.id == key), None)


def where(cluster, volume):
    held = Volumed(cluster.site, row(cluster, volume))
    return held.storage.source(held.id).path


def io(cluster, volume, order):
    argv = ["qemu-io", "-f", "qcow2", "-c", order, str(where(cluster, volume))]
    return LocalHost().run(argv, check=False).code


def fill(cluster, volume, pattern):
    assert io(cluster, volume, f"write -P {pattern} 0 64k") == 0


def reads(cluster, volume, pattern):
    return io(cluster, volume, f"read -P {pattern} 0 64k") == 0


def serials(cluster, vm, node="n1"):
    return cluster.fake(node).seen(vm).disks


def evidence(cluster):
    return shown.read(cluster.settings.state / "erasures")


def test_a_volume_comes_and_goes_and_its_end_is_proved(cluster):
    volume = make(cluster)
    assert (row(cluster, volume).actual, row(cluster, volume).serial[:4]) == ("present", "vol-")
    fill(cluster, volume, 7)
    job = cluster.done(DeleteVolume(volume))
    assert row(cluster, volume) is None
    assert job.result["erased"]["verified"] is True
    assert job.result["erased"]["bytes"] >= 65536
    lines = evidence(cluster)
    assert [(one.what, one.valid) for one in lines] == [("begun", True), ("erased", True)]
    assert (lines[1].volume, lines[1].actor, lines[1].bytes) == (
        f"{volume}/data", "sam", job.result["erased"]["bytes"],
    )  # fmt: skip
    assert cluster.site.nodes["n1"].storage.owners() == frozenset()


def test_evidence_that_was_altered_or_taken_out_is_seen(cluster):
    for name in ("one", "two"):
        cluster.done(DeleteVolume(make(cluster, name)))
    file = cluster.settings.state / "erasures" / "erased.jsonl"
    whole = file.read_bytes()
    assert all(one.valid for one in evidence(cluster))
    file.write_bytes(whole.replace(b'"verified":true', b'"verified":false', 1))
    assert [one.valid for one in evidence(cluster)] == [True, False, False, True]
    lines = whole.splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1] + lines[3])
    assert [one.valid for one in evidence(cluster)] == [True, True, False]


def test_an_erasure_whose_worker_died_says_that_its_figures_are_lost(cluster):
    name, site = f"{make(cluster)}/data", replace(cluster.site, job_id="j")

    class Died(BaseException):
        pass

    class Deadly(DirStorage):
        def erase(self, volume):
            super().erase(volume)
            raise Died

    with pytest.raises(Died):
        erasures.erase(site, Deadly(cluster.folder / "volumes" / "n1", LocalHost()), name, "n1")
    storage = cluster.site.nodes["n1"].storage
    assert erasures.erase(site, storage, name, "n1") is None
    assert erasures.erase(site, storage, name, "n1") is None
    assert [one.what for one in evidence(cluster)] == ["begun", "lost"]


def test_a_running_machine_gets_and_gives_back_a_volume(cluster):
    vm, volume = cluster.create(storage="dir"), make(cluster)
    cluster.done(AttachVolume(volume, vm))
    serial = row(cluster, volume).serial
    assert serial in serials(cluster, vm)
    with pytest.raises(VolumeAttached):
        cluster.ask(AttachVolume(volume, vm))
    with pytest.raises(VolumeAttached):
        cluster.ask(DeleteVolume(volume))
    with pytest.raises(VolumeAttached):
        cluster.ask(DetachVolume(volume, chance.new_id()))
    cluster.done(DetachVolume(volume, vm))
    assert serial not in serials(cluster, vm)
    assert row(cluster, volume).vm_id is None
    with pytest.raises(VolumeDetached):
        cluster.ask(DetachVolume(volume, ""))


def test_a_machine_that_is_off_has_it_in_its_definition(cluster):
    vm, volume = cluster.create(storage="dir", start=False), make(cluster)
    cluster.done(AttachVolume(volume, vm))
    assert row(cluster, volume).serial in serials(cluster, vm)
    cluster.done(DeleteVm(vm))
    assert row(cluster, volume).vm_id is None
    assert reads(cluster, volume, 0)


def test_an_attachment_that_fails_leaves_nothing(cluster, monkeypatch):
    vm, volume = cluster.create(storage="dir"), make(cluster)

    def refuse(*_args, **_more):
        raise BoxError

    monkeypatch.setattr(cluster.fake("n1"), "attach", refuse)
    cluster.done(AttachVolume(volume, vm), ends="failed")
    assert row(cluster, volume).vm_id is None
    assert row(cluster, volume).serial not in serials(cluster, vm)


def test_a_volume_of_another_node_is_not_attached(cluster):
    vm, volume = cluster.create(storage="dir"), make(cluster, node="n2")
    with pytest.raises(VolumeElsewhere):
        cluster.ask(AttachVolume(volume, vm))


def test_growing_with_and_without_a_machine(cluster):
    volume = make(cluster)
    fill(cluster, volume, 7)
    cluster.done(GrowVolume(volume, 3, ""))
    assert row(cluster, volume).size_gib == 3
    assert cluster.site.nodes["n1"].storage.gib(f"{volume}/data") == 3
    assert reads(cluster, volume, 7)
    with pytest.raises(BadInput):
        cluster.ask(GrowVolume(volume, 2, ""))
    vm = cluster.create(storage="dir")
    cluster.done(GrowVolume(f"{vm}/system", 5, vm))
    assert (row(cluster, f"{vm}/system").size_gib, cluster.vm(vm).disk_gib) == (5, 5)


def test_states_are_kept_brought_back_and_cloned(cluster):
    volume = make(cluster)
    fill(cluster, volume, 1)
    cluster.done(SnapshotVolume(volume, "before", ""))
    fill(cluster, volume, 2)
    with pytest.raises(SnapshotNameTaken):
        cluster.ask(SnapshotVolume(volume, "before", ""))
    linked, whole, now = (chance.new_id() for _ in range(3))
    cluster.done(CloneVolume(linked, volume, "before", "linked", full=False))
    cluster.done(CloneVolume(whole, volume, "before", "whole", full=True))
    cluster.done(CloneVolume(now, volume, "", "now", full=True))
    assert [reads(cluster, v, p) for v, p in ((linked, 1), (whole, 1), (now, 2))] == [True] * 3
    assert row(cluster, linked).parent == f"{volume}/data@before"
    for action in (DeleteVolume(volume), DropVolumeSnapshot(volume, "before", "")):
        with pytest.raises(VolumeHasClones):
            cluster.ask(action)
    cluster.done(RollBackVolume(volume, "before", ""))
    assert reads(cluster, volume, 1)
    cluster.done(DeleteVolume(linked))
    cluster.done(DropVolumeSnapshot(volume, "before", ""))
    assert row(cluster, volume).snapshots == []
    with pytest.raises(NoSuchSnapshot):
        cluster.ask(RollBackVolume(volume, "before", ""))
    for one in (volume, whole, now):
        cluster.done(DeleteVolume(one))
    assert cluster.site.nodes["n1"].storage.owners() == frozenset()


def test_a_running_machine_keeps_states_on_shared_storage_only(cluster):
    vm = cluster.create(storage="dir")
    own, far = make(cluster), make(cluster, "far", storage="rbd")
    for volume in (own, far):
        cluster.done(AttachVolume(volume, vm))
    cluster.done(SnapshotVolume(far, "s1", vm))
    assert not cluster.fake("n1").is_frozen(vm)
    job = cluster.done(SnapshotVolume(own, "s1", vm), ends="failed")
    assert job.error["code"] == "vm.wrong_power"
    with pytest.raises(VmWrongPower):
        cluster.ask(RollBackVolume(far, "s1", vm))


@pytest.mark.parametrize(
    ("begin", "end"),
    [(("dir", "n1"), ("rbd", "")), (("rbd", ""), ("dir", "n2")), (("dir", "n1"), ("dir", "n2"))],
)
def test_a_volume_moves_and_is_erased_where_it_was(cluster, begin, end):
    volume = make(cluster, storage=begin[0], node=begin[1])
    fill(cluster, volume, 9)
    old = where(cluster, volume)
    cluster.done(MoveVolume(volume, *end, "", *begin))
    held = row(cluster, volume)
    assert (held.storage, held.node) == end
    assert where(cluster, volume) != old
    assert reads(cluster, volume, 9)
    assert not old.parent.exists()
    assert [one.what for one in evidence(cluster)] == ["begun", "erased"]
    rest = {path.name for path in where(cluster, volume).parent.iterdir()}
    assert rest == {"data.qcow2"}


def test_a_machines_own_disks_move_together(cluster):
    vm = cluster.create(storage="dir")
    system = f"{vm}/system"
    with pytest.raises(VmWrongPower):
        cluster.ask(MoveVolume(system, "rbd", "", vm, "dir", "n1"))
    cluster.done(StopVm(vm, force=True))
    fill(cluster, system, 9)
    cluster.done(MoveVolume(system, "rbd", "", vm, "dir", "n1"))
    assert cluster.vm(vm).storage == "rbd"
    assert cluster.shared.volumes() == {system, f"{vm}/seed"}
    assert reads(cluster, system, 9)
    sources = cluster.fake("n1").seen(vm).sources
    assert all("/shared/" in source for source in sources)
    assert (cluster.folder / "volumes" / "n1" / vm).is_dir()  # for its console log
    cluster.done(DeleteVm(vm))
    cluster.nothing_left()


def test_a_copy_that_is_not_the_same_goes_and_the_original_stays(cluster, monkeypatch):
    volume = make(cluster)
    fill(cluster, volume, 9)
    monkeypatch.setattr(SharedFolder, "same", lambda *_args: False)
    job = cluster.done(MoveVolume(volume, "rbd", "", "", "dir", "n1"), ends="failed")
    assert job.error["code"] == "volume.not_the_same"
    assert (row(cluster, volume).storage, cluster.shared.volumes()) == ("dir", frozenset())
    assert reads(cluster, volume, 9)


def test_once_the_original_is_being_erased_there_is_no_way_back(cluster, monkeypatch):
    volume = make(cluster)
    fill(cluster, volume, 9)

    def half(moved, storage, _node, _say):
        file = storage.source(moved.id).path
        file.rename(file.with_name(f".{file.name}.erasing"))
        raise BoxError

    monkeypatch.setattr(volumes_moving.volumes, "erase_with_evidence", half)
    cluster.done(MoveVolume(volume, "rbd", "", "", "dir", "n1"), ends="failed")
    assert (row(cluster, volume).storage, row(cluster, volume).actual) == ("rbd", "present")
    assert reads(cluster, volume, 9)


def test_a_failure_before_the_erasure_brings_the_volume_back(cluster, monkeypatch):
    volume = make(cluster)
    fill(cluster, volume, 9)

    def refuse(*_args):
        raise BoxError

    monkeypatch.setattr(volumes_moving.volumes, "erase_with_evidence", refuse)
    cluster.done(MoveVolume(volume, "rbd", "", "", "dir", "n1"), ends="failed")
    assert row(cluster, volume).storage == "dir"
    assert reads(cluster, volume, 9)
    assert cluster.shared.volumes() == frozenset()


def test_what_has_snapshots_does_not_move(cluster):
    volume = make(cluster)
    cluster.done(SnapshotVolume(volume, "s1", ""))
    with pytest.raises(VolumeHasSnapshots):
        cluster.ask(MoveVolume(volume, "rbd", "", "", "dir", "n1"))


def test_names_and_places_are_checked_when_asked(cluster):
    make(cluster)
    with pytest.raises(VolumeNameTaken):
        make(cluster)
    with pytest.raises(BoxError):
        make(cluster, "b1", node="nowhere")
    cluster.change(Storage, "rbd", state="making")
    with pytest.raises(StorageUnusable):
        make(cluster, "b2", storage="rbd")
    for bad in (
        {"name": "B_1"}, {"gib": 0}, {"storage": "ceph"}, {"node": ""},
        {"storage": "rbd", "node": "n1"}, {"volume_id": "../x"},
    ):  # fmt: skip
        asked = {
            "volume_id": chance.new_id(),
            "name": "ok",
            "gib": 1,
            "storage": "dir",
            "node": "n1",
        }
        with pytest.raises(BadInput):
            CreateVolume(**(asked | bad))


def test_what_is_being_deleted_is_not_used(cluster):
    vm, volume = cluster.create(storage="dir"), make(cluster)
    cluster.ask(DeleteVolume(volume))
    with pytest.raises(VolumeBusy):
        cluster.ask(AttachVolume(volume, vm))


def test_a_creation_that_fails_frees_the_name(cluster, monkeypatch):
    def refuse(*_args):
        raise BoxError

    with monkeypatch.context() as patched:
        patched.setattr(cluster.site.nodes["n1"].storage, "create", refuse)
        cluster.done(CreateVolume(chance.new_id(), "records", 1, "dir", "n1"), ends="failed")
    assert cluster.rows(Volume) == []
    make(cluster)


def test_actions_say_the_same_after_a_crash(cluster):
    """A job's steps are made again from its action alone, whatever was done before."""
    volume = make(cluster)
    for action in (MoveVolume(volume, "rbd", "", "", "dir", "n1"), DeleteVolume(volume)):
        again = type(action).from_json(json.loads(json.dumps(action.as_json())))
        assert again == action
        before = [step.key for step in volumes_plan(cluster, action)]
        cluster.done(action)
        if isinstance(action, DeleteVolume):
            assert [step.key for step in volumes_plan(cluster, action)] == before


def volumes_plan(cluster, action):
    plan = volumes_moving.move if isinstance(action, MoveVolume) else volumes.delete
    return plan(action, cluster.site)
