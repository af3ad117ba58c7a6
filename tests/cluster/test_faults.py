"""A node switched off, or its cable pulled, in the middle of a job on it: nothing half made, nothing twice.

The job waits with its reason shown while the node is away and ends right when it is back. Runs on the
cluster's three nodes; what moves machines needs its replicated storage.
"""

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from appliance.clock import monotonic, pause
from appliance.host import LocalHost
from tests.cluster.box import ThreeNodes
from tests.cluster.interrupt import held, shown

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

# A boot sector with one partition of type 83h behind it.
MBR = bytes(446) + struct.pack("<B3xB3xII", 0x80, 0x83, 1, 8192) + bytes(48) + b"\x55\xaa"
FAR = 1  # the node that things happen to
THIRD = 2
OVER = ("succeeded", "failed", "cancelled", "refused")


@contextmanager
def off(three: ThreeNodes, number: int) -> Iterator[None]:
    """The node is switched off, and on again at the end, whatever happens."""
    three.lab.cut(number)
    try:
        yield
    finally:
        three.lab.start(number)


@contextmanager
def unplugged(three: ThreeNodes, number: int) -> Iterator[None]:
    """The node's management cable is out; whatever happens, it is in again afterwards."""
    wire = ["ip", "-n", three.lab.names.namespace("mgmt"), "link", "set", f"n{number}-mgmt"]
    LocalHost().run([*wire, "down"])
    try:
        yield
    finally:
        LocalHost().run([*wire, "up"])


def asked(three: ThreeNodes, *words: str) -> str:
    """Ask for a job without waiting for it; its number."""
    return str(json.loads(three.hbox(*words, "--no-wait", "--format", "json"))["number"])


def waits(three: ThreeNodes, job: str, limit: float = 180.0) -> dict:
    """The job as it is shown once it says why it does not go on."""
    end = monotonic() + limit
    while not (seen := shown(three.home, job))["blocked_by"]:
        assert seen["state"] not in OVER, f"it ended: {seen['state']} {seen['error']}"
        assert monotonic() < end, f"no reason shown: {seen}"
        pause(1)
    return seen


def ended(three: ThreeNodes, job: str, limit: float = 240.0) -> dict:
    end = monotonic() + limit
    while (seen := shown(three.home, job))["state"] not in OVER:
        assert monotonic() < end, f"it does not end: {seen['state']} {seen['blocked_by']}"
        pause(1)
    return seen


def nothing_of(three: ThreeNodes, vm: str) -> None:
    """No engine, disk or record knows the machine, and no job holds anything."""
    for node in three.lab.nodes:
        assert vm not in node.run(["virsh", "list", "--all", "--uuid"]).text
        assert vm not in node.run(["ls", "-A", "/var/lib/hbox/volumes"], check=False).text
        assert node.run(["pgrep", "-f", f"qemu-system.*{vm}"], check=False).text == ""
    assert vm not in json.dumps(three.ask("vm", "list"))
    assert vm not in json.dumps(three.ask("volume", "list"))
    assert ".jsonl" not in three.home.run(["ls", "/var/lib/hbox/worker"]).text


def creation(three: ThreeNodes, name: str) -> tuple[str, ...]:
    """A machine on the far node's own storage, not started."""
    where = ("--zone", "intranet", "--storage", "dir", "--node", three.names[FAR], "--stopped")
    return ("vm", "create", name, *where)


@pytest.fixture(scope="module")
def mover(three: ThreeNodes) -> Iterator[str]:
    """A machine that runs at home, on replicated storage; its guest carries no agent to wait for."""
    assert [one["name"] for one in three.ask("storage", "list")] == ["rbd"], "test_cluster.py first"
    three.home.write("/var/lib/hbox/disk.img", MBR + bytes(4 << 20))
    named = ("--name", "still", "--version", "1", "--boot", "kernel")
    three.hbox("template", "import", "/var/lib/hbox/disk.img", *named)
    where = ("--zone", "intranet", "--storage", "rbd", "--node", three.names[0])
    three.hbox("vm", "create", "mover", *where, "--template", "still", "--memory", "256")
    yield three.vm("mover")["id"]
    three.hbox("vm", "delete", "mover")
    template = next(one["id"] for one in three.ask("template", "list") if one["name"] == "still")
    three.hbox("template", "remove", template)


def on_the_way(three: ThreeNodes, vm: str, *, source: int = 0, target: int = FAR) -> str:
    """The machine is being moved from node to node, slowly; the job's number."""
    here = three.lab.nodes[source]
    here.run(["virsh", "migrate-setspeed", vm, "1"])
    job = asked(three, "vm", "migrate", "mover", "--node", three.names[target])
    end = monotonic() + 60
    while "Outgoing migration" not in here.run(["virsh", "domjobinfo", vm]).text:
        assert monotonic() < end, shown(three.home, job)
        pause(0.5)
    pause(3)
    return job


def runs_at_home(three: ThreeNodes, vm: str) -> None:
    """It runs, there alone, and is recorded there."""
    far = three.lab.nodes[FAR]
    end = monotonic() + 60  # libvirtd there gives an arrival up that does not go on
    while far.run(["pgrep", "-f", f"qemu-system.*{vm}"], check=False).text:
        assert monotonic() < end, "half of it is still on the target"
        pause(1)
    assert vm not in far.run(["virsh", "list", "--all", "--uuid"]).text
    assert three.home.run(["virsh", "domstate", vm]).text.strip() == "running"
    assert three.vm("mover")["node"] == three.names[0]


def taken_back(
    three: ThreeNodes, vm: str, trouble: Callable[..., AbstractContextManager[None]]
) -> None:
    """In mid-migration the far node gets into `trouble`: the job waits with its reason, then is undone."""
    job = on_the_way(three, vm)
    with trouble(three, FAR):
        seen = waits(three, job)
        assert seen["state"] == "undoing", seen
        assert three.home.run(["virsh", "domstate", vm]).text.strip() == "running"
    seen = ended(three, job)
    assert seen["state"] == "failed", seen
    runs_at_home(three, vm)


def test_the_target_is_switched_off_in_the_middle_of_a_migration(
    three: ThreeNodes, mover: str
) -> None:
    taken_back(three, mover, off)


def test_the_network_is_cut_in_the_middle_of_a_migration(three: ThreeNodes, mover: str) -> None:
    taken_back(three, mover, unplugged)
    three.home.run(["virsh", "migrate-setspeed", mover, "1000"])
    three.hbox("vm", "migrate", "mover", "--node", three.names[FAR])
    assert three.where("mover") == [three.names[FAR]]


def test_the_source_is_switched_off_in_the_middle_of_a_migration(
    three: ThreeNodes, mover: str
) -> None:
    """Its memory is gone with the node. It is started nowhere else, and comes up again where it was."""
    assert three.where("mover") == [three.names[FAR]]
    job = on_the_way(three, mover, source=FAR, target=THIRD)
    with off(three, FAR):
        seen = waits(three, job)
        assert three.names[FAR] in seen["blocked_by"], seen
        third = three.lab.nodes[THIRD]
        assert mover not in third.run(["virsh", "list", "--uuid", "--state-running"]).text
    seen = ended(three, job)
    assert seen["state"] == "failed", seen
    end = monotonic() + 120
    while three.where("mover") != [three.names[FAR]]:
        assert monotonic() < end, three.vm("mover")
        pause(2)
    assert three.vm("mover")["node"] == three.names[FAR]
    assert mover not in three.lab.nodes[THIRD].run(["virsh", "list", "--all", "--uuid"]).text


def test_a_node_switched_off_in_the_middle_of_creating_on_it(three: ThreeNodes) -> None:
    with ExitStack() as later:
        with held(three.home, "vm.create", "define", "begun") as there:
            job = asked(three, *creation(three, "unlucky"))
            there()
            vm = three.vm("unlucky")["id"]
            later.enter_context(off(three, FAR))
        seen = waits(three, job)
        assert seen["state"] == "undoing", seen
        named = (three.names[FAR], three.lab.nodes[FAR].address)
        assert any(one in seen["blocked_by"] for one in named), seen
    seen = ended(three, job)
    assert (seen["state"], seen["error"]["code"]) == ("failed", "node.unreachable"), seen
    nothing_of(three, vm)


def test_a_cable_pulled_for_a_moment_is_waited_out(three: ThreeNodes) -> None:
    with ExitStack() as later:
        with held(three.home, "vm.create", "define", "begun") as there:
            job = asked(three, *creation(three, "patient"))
            there()
            later.enter_context(unplugged(three, FAR))
        pause(4)
    seen = ended(three, job)
    assert seen["state"] == "succeeded", seen
    vm = three.vm("patient")["id"]
    three.hbox("vm", "delete", "patient")
    nothing_of(three, vm)
