"""Nodes drained, used again, replaced: what becomes of their machines, with real records and disks."""

import json

import pytest

from controller.actions.nodes_life import DrainNode, RestoreNode
from controller.api.nodes_life import _plan
from controller.drivers.base import Power
from controller.jobs.log import tell
from controller.records.session import reading
from controller.records.tables import Node
from controller.workers import nodes_life, nodes_return
from tests.unit.controller.workers.machines import Cluster


@pytest.fixture
def cluster(tmp_path):
    return Cluster.new(tmp_path)


def plan(cluster, node):
    with reading(cluster.engine) as session:
        return _plan(session, node)


def drain(cluster, node):
    moves = {move.vm_id: move.node for move in plan(cluster, node).moves if move.node}
    return DrainNode(node, json.dumps(moves))


def test_every_machine_that_can_leave_leaves_and_nothing_new_comes(cluster):
    vms = [cluster.create(name) for name in ("one", "two", "three")]
    job = cluster.done(drain(cluster, "n1"))
    assert job.result["left"] == []
    assert job.result["moved"] == 3
    assert {cluster.vm(vm).node for vm in vms} == {"n2", "n3"}, "spread, not heaped"
    assert all(cluster.fake("n1").state(vm) is Power.ABSENT for vm in vms)
    with reading(cluster.engine) as session:
        assert session.get(Node, "n1").state == "maintenance"
    cluster.done(RestoreNode("n1"))
    with reading(cluster.engine) as session:
        assert session.get(Node, "n1").state == "active"


def test_a_machine_that_cannot_leave_is_named_and_the_node_stays_in_maintenance(cluster):
    bound = cluster.create("bound", storage="dir")
    free = cluster.create("free")
    shown = {move.name: move for move in plan(cluster, "n1").moves}
    assert shown["bound"].node is None
    assert shown["bound"].why.zh
    assert shown["free"].node in ("n2", "n3")
    job = cluster.done(drain(cluster, "n1"), ends="failed")
    assert job.error["code"] == "node.not_drained"
    assert "bound" in job.error["message"]["zh"]
    assert cluster.vm(free).node != "n1", "what was moved stays moved"
    assert cluster.fake("n1").state(bound) is Power.RUNNING
    with reading(cluster.engine) as session:
        assert session.get(Node, "n1").state == "maintenance"


def test_a_dead_node_is_drained_without_asking_it(cluster):
    vm = cluster.create("there", node="n2")
    cluster.change(Node, "n2", why="no route")
    shown = plan(cluster, "n2")
    assert (shown.away, shown.moves) == ("no route", [])
    job = cluster.done(drain(cluster, "n2"))
    assert job.result["unknown"] == ["there"]
    assert cluster.vm(vm).node == "n2"
    assert cluster.fake("n2").state(vm) is Power.RUNNING, "nothing was started elsewhere"


def test_a_node_that_died_meanwhile_moves_nothing_and_harms_nothing(cluster):
    vm = cluster.create("there", node="n2")
    asked = drain(cluster, "n2")
    assert asked.plan()
    job = cluster.ask(asked)
    cluster.change(Node, "n2", why="no route")
    cluster.work()
    assert cluster.job(job).state == "succeeded"
    assert "no route" in cluster.lines(job)
    assert cluster.vm(vm).node == "n2"


def test_machines_of_a_replaced_node_come_back_from_shared_disks_and_the_others_are_named(cluster):
    kept = cluster.create("kept", node="n2")
    off = cluster.create("off", node="n2", start=False)
    cluster.create("gone", node="n2", storage="dir")
    for vm in list(cluster.fake("n2").states()):
        cluster.fake("n2").undefine(vm)  # the new machine knows nobody
    back, lost = nodes_return.bring_back(cluster.site, "n2", tell)
    assert (back, lost) == (["kept", "off"], ["gone"])
    assert cluster.fake("n2").state(kept) is Power.RUNNING
    assert cluster.fake("n2").state(off) is Power.STOPPED
    assert nodes_return.bring_back(cluster.site, "n2", tell) == (back, lost), "twice is once"


def test_leaving_never_touches_this_very_machine(cluster):
    """The nodes of a test, or of a damaged record, are no fleet: nothing may run where the worker runs."""
    ran = []

    class Host:
        name = "n1"

        def run(self, argv, **_given):
            ran.append(argv)

    object.__setattr__(cluster.site.nodes["n1"], "host", Host())
    with pytest.raises(TypeError):
        nodes_life._Leaving("n1", cluster.site).farewell(tell)
    assert ran == []
