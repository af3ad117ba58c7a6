"""The worker dies while a disk comes, while it goes, and while a node is brought to its state once more."""

import pytest

from tests.cluster.box import ThreeNodes
from tests.cluster.interrupt import interrupted

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MORE = "/var/lib/ceph/osd-files/more.img"


def test_a_disk_comes_and_goes(three: ThreeNodes) -> None:
    node = three.names[1]
    before = disks(three)
    with interrupted(three.home, "storage.disk.add"):
        three.hbox("storage", "disk", "add", f"{node}:{MORE}")
    three.healthy()
    assert disks(three) == before | {(node, MORE)}
    with interrupted(three.home, "storage.disk.remove"):
        three.hbox("storage", "disk", "remove", f"{node}:{MORE}")
    three.healthy()
    assert disks(three) == before
    assert three.lab.nodes[1].run(["test", "-e", MORE], check=False).code == 1


def test_a_node_is_configured_once_more(three: ThreeNodes) -> None:
    with interrupted(three.home, "node.configure"):
        three.hbox("node", "configure", three.names[2])
    assert [one["state"] for one in three.ask("node", "list")] == ["active"] * 3


def disks(three: ThreeNodes) -> set[tuple[str, str]]:
    """Those in use; one that went is kept in the list as gone."""
    held = three.ask("storage", "disk", "list")
    return {(one["node"], one["path"]) for one in held if one["state"] != "gone"}
