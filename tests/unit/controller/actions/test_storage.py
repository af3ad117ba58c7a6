"""What may be asked of the storage: hostile paths, too few nodes, twice; wishes taken back."""

import pytest
from sqlalchemy import select

from appliance.errors import BadInput, Conflict, NotFound
from controller.actions import storage
from controller.actions.storage import (
    AddDisk,
    DiskTaken,
    NodeNotReady,
    NodesLeftOut,
    RemoveDisk,
    ReplaceDisk,
    SetUpStorage,
    StorageNotThere,
    StorageThere,
    TooFewNodes,
)
from controller.records.cluster import OsdDisk, Storage
from controller.records.session import reading, transaction
from controller.records.tables import Node

NODES = "node-1,node-2,node-3"
DISKS = "node-1:/dev/sdb,node-2:/dev/sdb,node-3:/dev/sdb"


@pytest.fixture
def box(controller):
    with transaction(controller.engine) as session:
        session.add_all([Node(name="node-2"), Node(name="node-3")])
    return controller


def wished(box, action, job="job-1"):
    with transaction(box.engine) as session:
        action.check(session)
        action.wish(session, job)
    with transaction(box.engine) as session:
        action.ready(session, job)


def made(box):
    wished(box, SetUpStorage(NODES, DISKS))
    with transaction(box.engine) as session:
        session.get(Storage, "rbd").state = "ok"
        for number, row in enumerate(session.scalars(select(OsdDisk).order_by(OsdDisk.id))):
            row.osd, row.state = number, "in"


def disks(box):
    with reading(box.engine) as session:
        return {row.id: (row.osd, row.state) for row in session.scalars(select(OsdDisk))}


@pytest.mark.parametrize(
    "path",
    [
        "sdb", "/dev/../etc/passwd", "/dev/sdb;reboot", "/dev/sdb --force", "/etc/passwd", "/dev/",
        "/var/lib/ceph/osd-files/../../x.img", "/dev/sdb\n", "/dev/$(id)", "",
    ],
)  # fmt: skip
def test_no_path_climbs_or_speaks_to_a_shell(path):
    with pytest.raises(BadInput):
        AddDisk("node-1", path)
    with pytest.raises(BadInput):
        SetUpStorage(NODES, f"node-1:{path},node-2:/dev/sdb,node-3:/dev/sdb")


@pytest.mark.parametrize(
    ("nodes", "disks"),
    [
        (NODES, f"{DISKS},node-3:/dev/sdb"),
        ("node-1,node-1,node-2", DISKS),
        ("node-1,node-2", DISKS),
        ("", ""),
        (NODES, "node-1"),
    ],
)
def test_what_can_never_be_right_is_bad_input(nodes, disks):
    with pytest.raises(BadInput):
        SetUpStorage(nodes, disks)


def test_three_copies_need_three_nodes_with_disks(box):
    two = SetUpStorage(NODES, "node-1:/dev/sdb,node-2:/dev/sdb,node-2:/dev/sdc")
    with reading(box.engine) as session, pytest.raises(TooFewNodes):
        two.check(session)


def test_a_node_that_is_not_of_the_box_or_not_ready_is_refused(box):
    with reading(box.engine) as session, pytest.raises(NotFound):
        SetUpStorage("node-1,node-2,other", DISKS.replace("node-3", "other")).check(session)
    with transaction(box.engine) as session:
        session.get(Node, "node-3").state = "joining"
    with reading(box.engine) as session, pytest.raises(NodeNotReady):
        SetUpStorage(NODES, DISKS).check(session)


def test_no_node_of_the_box_is_left_out(box):
    with transaction(box.engine) as session:
        session.add(Node(name="node-4"))
    with reading(box.engine) as session, pytest.raises(NodesLeftOut):
        SetUpStorage(NODES, DISKS).check(session)
    with reading(box.engine) as session:
        SetUpStorage(f"{NODES},node-4", DISKS).check(session)


def test_the_wish_is_recorded_and_taken_back(box):
    action = SetUpStorage(NODES, DISKS)
    wished(box, action)
    assert set(disks(box)) == set(DISKS.split(","))
    with reading(box.engine) as session:
        assert session.get(Storage, "rbd").state == "making"
        with pytest.raises(StorageThere):
            action.check(session)
        with pytest.raises(StorageNotThere):
            AddDisk("node-1", "/dev/sdc").check(session)
        with pytest.raises(Conflict):
            action.ready(session, "another-job")
    for _ in range(2):
        with transaction(box.engine) as session:
            action.forget(session, "job-1")
    assert disks(box) == {}
    with reading(box.engine) as session:
        assert session.get(Storage, "rbd") is None


def test_a_storage_that_was_made_is_not_forgotten(box):
    made(box)
    with transaction(box.engine) as session:
        SetUpStorage(NODES, DISKS).forget(session, "job-1")
    assert len(disks(box)) == 3


def test_a_disk_is_added_once(box):
    made(box)
    with reading(box.engine) as session, pytest.raises(DiskTaken):
        AddDisk("node-1", "/dev/sdb").check(session)
    action = AddDisk("node-1", "/dev/sdc")
    wished(box, action, "job-2")
    assert disks(box)["node-1:/dev/sdc"] == (None, "wished")
    with transaction(box.engine) as session:
        action.forget(session, "job-3")
        assert session.get(OsdDisk, "node-1:/dev/sdc") is not None, "another job's wish"
        action.forget(session, "job-2")
    assert "node-1:/dev/sdc" not in disks(box)


def test_a_disk_that_is_gone_may_come_again(box):
    made(box)
    with transaction(box.engine) as session:
        row = session.get(OsdDisk, "node-1:/dev/sdb")
        row.state, row.osd = "gone", None
    wished(box, AddDisk("node-1", "/dev/sdb"), "job-2")
    assert disks(box)["node-1:/dev/sdb"] == (None, "wished")


def test_a_replacement_leaves_the_old_disk_what_it_is_until_the_new_one_serves(box):
    made(box)
    action = ReplaceDisk("node-1:/dev/sdb", "/dev/sdc")
    wished(box, action, "job-2")
    assert disks(box)["node-1:/dev/sdb"] == (0, "in")
    assert disks(box)["node-1:/dev/sdc"] == (None, "wished")
    with transaction(box.engine) as session:
        action.forget(session, "job-2")
    assert "node-1:/dev/sdc" not in disks(box)
    taken = ReplaceDisk("node-1:/dev/sdb", "/dev/sdd")
    wished(box, AddDisk("node-1", "/dev/sdd"), "job-3")
    with reading(box.engine) as session, pytest.raises(DiskTaken):
        taken.check(session)


def test_a_disk_is_found_by_id_and_by_number(box):
    made(box)
    with reading(box.engine) as session:
        assert storage.find(session, "1").id == "node-2:/dev/sdb"
        assert storage.find(session, "osd.2").id == "node-3:/dev/sdb"
        for name in ("9", "osd.x", "99999999999999999999", "node-9:/dev/sdb"):
            with pytest.raises(NotFound):
                storage.find(session, name)


def test_a_disk_without_a_number_cannot_be_removed(box):
    made(box)
    wished(box, AddDisk("node-1", "/dev/sdc"), "job-2")
    with reading(box.engine) as session, pytest.raises(Conflict):
        RemoveDisk("node-1:/dev/sdc").check(session)


def test_the_locks_name_the_storage_and_its_nodes():
    assert SetUpStorage(NODES, DISKS).locks() == (
        "storage/rbd", "nodes", "node/node-1", "node/node-2", "node/node-3",
    )  # fmt: skip
    assert AddDisk("node-1", "/dev/sdc").locks() == ("storage/rbd",)
