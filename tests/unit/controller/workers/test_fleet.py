"""The fleet is what the records say now; a node that is away fails at once and blocks nobody."""

import pytest

from appliance import clock
from controller.drivers.base import EngineUnavailable
from controller.records.cluster import Storage
from controller.records.session import transaction
from controller.records.tables import Node
from controller.workers.fleet import Fleet, known_hosts, uri
from hardware.ssh import NodeUnreachable

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOV34XBJzAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def fleet(controller):
    with transaction(controller.engine) as session:
        for row in session.query(Node).all():
            session.delete(row)
        session.add(Node(name="n1", home=True, address="192.0.2.1"))
        session.add(Node(name="a2", address="192.0.2.2", host_key=KEY, joined_at=clock.iso()))
        session.add(Node(name="a3", address="192.0.2.3", host_key=KEY, state="joining"))
    return Fleet(controller.settings, controller.engine, "n1")


def change(controller, name, **columns):
    with transaction(controller.engine) as session:
        row = session.get(Node, name)
        for column, value in columns.items():
            setattr(row, column, value)


def test_home_comes_first_and_who_joins_is_not_there_yet(fleet, controller):
    assert list(fleet) == ["n1", "a2"]
    assert len(fleet) == 2
    assert fleet.home == "n1"
    assert fleet["n1"].host.name == "local"
    with pytest.raises(KeyError):
        fleet["nobody"]
    change(controller, "a3", state="active")
    assert list(fleet) == ["n1", "a2", "a3"], "a new node appears without a restart"
    assert fleet.target("a3").uri == "qemu+tls://192.0.2.3/system"


def test_drivers_are_kept_until_the_row_says_otherwise(fleet, controller):
    first = fleet["a2"]
    assert fleet["a2"] is first
    change(controller, "a2", state="maintenance")
    assert fleet["a2"] is first
    change(controller, "a2", host_key=KEY[:-1] + "B")
    assert fleet["a2"] is not first, "a replaced node is reached by its own key"


def test_a_blank_box_is_this_machine_alone(controller):
    with transaction(controller.engine) as session:
        for row in session.query(Node).all():
            session.delete(row)
    assert list(Fleet(controller.settings, controller.engine, "here")) == ["here"]


def test_a_node_that_is_away_fails_at_once_and_the_records_say_why(fleet, controller, monkeypatch):
    monkeypatch.setattr(fleet["a2"].host, "_connect", _no_route)
    for _ in range(2):
        fleet.look()
        assert fleet.why_away("a2") is None, "one miss is none, nor are two"
    fleet.look()
    assert "no route" in fleet.why_away("a2")
    began = clock.monotonic()
    with pytest.raises(NodeUnreachable, match="no route"):
        fleet["a2"].host.run(["true"])
    with pytest.raises(EngineUnavailable, match="a2"):
        fleet["a2"].hypervisor.states()
    assert clock.monotonic() - began < 1
    assert fleet["n1"].host.run(["true"]).code == 0
    with transaction(controller.engine) as session:
        assert "no route" in session.get(Node, "a2").why


def test_a_machine_that_answers_but_is_another_one_is_away_too(fleet, monkeypatch):
    host = fleet["a2"].host
    monkeypatch.setattr(host, "_connect", _other_key)
    for _ in range(3):
        fleet.look()
    assert "host key" in fleet.why_away("a2").lower()


def _no_route(name, place):
    raise NodeUnreachable(name=name, why=f"no route to {place.address}")


def _other_key(name, _place):
    raise NodeUnreachable(name=name, why="BadHostKeyException: Host key does not match")


def test_replicated_storage_is_there_when_it_was_set_up(fleet, controller):
    shared = fleet.shared
    assert list(shared) == []
    with pytest.raises(KeyError):
        shared["rbd"]
    with transaction(controller.engine) as session:
        session.add(Storage(name="rbd", kind="rbd", state="making"))
    assert list(shared) == []
    with transaction(controller.engine) as session:
        session.get(Storage, "rbd").state = "ok"
    assert list(shared) == ["rbd"]
    assert shared["rbd"].name == "rbd"


def test_texts():
    assert known_hosts({"192.0.2.2": KEY}) == f"192.0.2.2 {KEY}\n"
    assert uri("2001:db8::1") == "qemu+tls://[2001:db8::1]/system"
