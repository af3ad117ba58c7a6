"""What a node may be asked in which state; nothing that is the last copy is dropped."""

import json

import pytest

from appliance import clock
from appliance.errors import BadInput, NotFound
from controller.actions.base import Role
from controller.actions.nodes_life import (
    ConfigureNode,
    DrainNode,
    HomeStays,
    NotInUse,
    RemoveNode,
    RestoreNode,
    StillHolds,
)
from controller.jobs.queue import submit
from controller.records.cluster import OsdDisk
from controller.records.session import transaction
from controller.records.tables import Node, Vm, Volume

VM = "6f1c1b1e-0000-4000-8000-00000000c0de"


@pytest.fixture
def records(controller):
    with transaction(controller.engine) as session:
        for row in session.query(Node).all():
            session.delete(row)
        session.flush()
        session.add(Node(name="n1", home=True, address="192.0.2.1"))
        session.add(Node(name="n2", address="192.0.2.2", joined_at=clock.iso()))
        session.add(Node(name="n3", address="192.0.2.3", state="joining"))
    return controller


def ask(records, action):
    with transaction(records.engine) as session:
        job = submit(session, records.principal(Role.SYSTEM), action)
        return job.id


def state(records, name):
    with transaction(records.engine) as session:
        return session.get(Node, name).state


def vm(node, storage="dir"):
    return Vm(
        id=VM, name="his", node=node, zone="intranet", address="10.66.0.10", mac="52:54:0a:42:00:0a",
        vcpus=1, memory_mib=512, disk_gib=2, storage=storage, wished="running", actual="running",
        job_id="-", created_at="now",
    )  # fmt: skip


def test_a_node_is_drained_then_removed_or_used_again(records):
    with pytest.raises(NotInUse):
        ask(records, RemoveNode("n2"))
    with pytest.raises(NotInUse):
        ask(records, RestoreNode("n2"))
    ask(records, DrainNode("n2", "{}"))
    assert state(records, "n2") == "maintenance"
    ask(records, RestoreNode("n2"))
    job = ask(records, RemoveNode("n2"))
    assert state(records, "n2") == "leaving"
    with transaction(records.engine) as session:
        RemoveNode("n2").ready(session, job)
        RemoveNode("n2").forget(session, job)
        assert session.get(Node, "n2").state == "maintenance"
        with pytest.raises(NotInUse):
            RemoveNode("n2").ready(session, job)


@pytest.mark.parametrize("what", ["machine", "volume", "disk"])
def test_what_still_holds_something_is_not_removed_and_says_what(records, what):
    ask(records, DrainNode("n2", "{}"))
    with transaction(records.engine) as session:
        if what == "machine":
            session.add(vm("n2", "rbd"))
        elif what == "volume":
            session.add(Volume(id="x/data", vm_id=None, kind="data", path="", storage="dir", node="n2",
                               size_gib=1, serial="data", tenant=""))  # fmt: skip
        else:
            session.add(
                OsdDisk(
                    id="n2:/dev/sdb",
                    node="n2",
                    path="/dev/sdb",
                    state="in",
                    job_id="-",
                    since="now",
                )
            )
    with pytest.raises(
        StillHolds, match={"machine": "his", "volume": "x/data", "disk": "/dev/sdb"}[what]
    ):
        ask(records, RemoveNode("n2"))


def test_a_disk_that_is_gone_holds_nothing(records):
    ask(records, DrainNode("n2", "{}"))
    with transaction(records.engine) as session:
        session.add(
            OsdDisk(
                id="n2:/dev/sdb", node="n2", path="/dev/sdb", state="gone", job_id="-", since="now"
            )
        )
    ask(records, RemoveNode("n2"))


def test_home_stays(records):
    ask(records, DrainNode("n1", "{}"))
    with pytest.raises(HomeStays):
        ask(records, RemoveNode("n1"))


def test_a_drain_moves_only_what_is_there_and_only_to_nodes_in_use(records):
    with transaction(records.engine) as session:
        session.add(vm("n1"))
    for moves in ("no json", "[]", '{"x": "n1"}', json.dumps({VM: "n2"}), json.dumps({VM: 7})):
        with pytest.raises(BadInput):
            ask(records, DrainNode("n2", moves))
    with pytest.raises(NotInUse):
        ask(records, DrainNode("n1", json.dumps({VM: "n3"})))
    action = DrainNode("n1", json.dumps({VM: "n2"}))
    assert f"vm/{VM}" in action.locks()
    ask(records, action)


def test_who_joins_or_is_not_there_is_asked_nothing(records):
    for action in (ConfigureNode("n3", dry=True), DrainNode("n3", "{}"), RestoreNode("n3")):
        with pytest.raises(NotInUse):
            ask(records, action)
    with pytest.raises(NotFound):
        ask(records, ConfigureNode("nobody", dry=True))
