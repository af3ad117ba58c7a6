"""Three nodes from nothing to a cluster that loses a disk and a node, and not one write of its guest.

The longer jobs lose their worker on the way, at a step that the seed chooses.
"""

import pytest

from tests.cluster.box import ThreeNodes
from tests.cluster.interrupt import interrupted

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

OSD = "/var/lib/ceph/osd-files/0.img"
# Numbered blocks, each written through to the disk and only then counted, with its own checksum.
WRITER = """
mkdir -p /load && cat >/load/writer.py <<'END'
import hashlib, os, time
book = os.open("/load/book", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
data = os.open("/load/data", os.O_WRONLY | os.O_CREAT)
number = 0
while not os.path.exists("/load/stop"):
    block = hashlib.sha256(str(number).encode()).digest() * 2048
    os.pwrite(data, block, (number % 512) * len(block))
    os.fsync(data)
    os.write(book, f"{number} {hashlib.sha256(block).hexdigest()}\\n".encode())
    os.fsync(book)
    number += 1
    time.sleep(0.02)
END
nohup python3 /load/writer.py >/load/log 2>&1 &
"""
CHECK = """
cat >/load/check.py <<'END'
import hashlib
lines = open("/load/book").read().split("\\n")[:-1]
pairs = [line.split() for line in lines]
assert [int(number) for number, _ in pairs] == list(range(len(pairs))), "a counted write is missing"
data = open("/load/data", "rb").read()
last = {int(number) % 512: digest for number, digest in pairs}
bad = [at for at, digest in last.items() if hashlib.sha256(data[at * 65536:][:65536]).hexdigest() != digest]
# The block being written when all stopped may be newer than the book.
assert len(bad) <= 1, bad
print(len(pairs))
END
touch /load/stop; sleep 1; sync; echo 3 >/proc/sys/vm/drop_caches; python3 /load/check.py
"""
COUNT = "wc -l </load/book"
SPEAKER = (
    "nohup sh -c 'for n in $(seq 90); do echo here-$n; sleep 1; done >/dev/ttyS0' >/dev/null 2>&1 &"
)


def test_a_cluster_lives_through_what_a_hospital_will_see(three: ThreeNodes, stage) -> None:
    _home, n1, n2 = three.names
    with stage("join"):
        three.join(1)
        with interrupted(three.home, "node.join"):
            three.join(2)
        assert [n["state"] for n in three.ask("node", "list")] == ["active"] * 3
    with stage("storage"):
        disks = [word for name in three.names for word in ("--disk", f"{name}:{OSD}")]
        nodes = [word for name in three.names for word in ("--node", name)]
        with interrupted(three.home, "storage.setup"):
            three.hbox("storage", "setup", *nodes, *disks)
        three.healthy()
        assert three.ask("storage", "show", "rbd")["state"] == "ok"
    with stage("machine"):
        three.hbox("vm", "create", "work", "--zone", "intranet", "--storage", "rbd", "--node", n1)
        assert three.where("work") == [n1]
        three.guest("work", WRITER)
        three.guest("work", SPEAKER)
        assert "here-" in three.serial("work"), "its serial line, seen from another node"
    with stage("migrations"):
        for target in (n2, n1):
            before = int(three.guest("work", COUNT))
            three.hbox("vm", "migrate", "work", "--node", target)
            assert three.where("work") == [target]
            assert int(three.guest("work", COUNT)) > before
    with stage("drain"):
        three.hbox("node", "drain", n1)
        assert n1 not in three.where("work")
        assert three.ask("node", "show", n1)["state"] == "maintenance"
        three.hbox("node", "restore", n1)
    with stage("disk"):
        fail_disk(three, 1)
        three.healthy()
    with stage("node"):
        lose_and_replace(three, 2)
        three.healthy(420)
        assert [n["state"] for n in three.ask("node", "list")] == ["active"] * 3
    with stage("no write lost"):
        assert int(three.guest("work", CHECK)) > 100
    with stage("gone"):
        three.hbox("vm", "delete", "work")
        left = [
            node.run(["virsh", "list", "--all", "--uuid"]).text.strip() for node in three.lab.nodes
        ]
        assert left == ["", "", ""]
        images = three.home.run(["rbd", "--id", "hbox", "ls", "hbox"]).text.split()
        assert [name for name in images if not name.startswith("image.")] == []


def fail_disk(three: ThreeNodes, number: int) -> None:
    """The disk of a node dies under its daemon; another one takes its place."""
    node = three.lab.nodes[number]
    disk = next(d for d in three.ask("storage", "disk", "list") if d["node"] == node.name)
    unit = f"ceph-osd@{disk['osd']}.service"
    node.run(["systemctl", "kill", "--signal=KILL", unit])
    node.run(["systemctl", "stop", unit])
    node.run(["sh", "-c", f"dd if=/dev/urandom of={OSD} bs=1M count=8 conv=notrunc"])
    new = OSD.replace("0.img", "1.img")
    with interrupted(three.home, "storage.disk.replace"):
        three.hbox("storage", "disk", "replace", disk["id"], "--path", new)


def lose_and_replace(three: ThreeNodes, number: int) -> None:
    """A node burns down; a new machine comes in under its name and address."""
    where = three.where("work")
    if where == [three.names[number]]:
        three.hbox("vm", "migrate", "work", "--node", three.names[1])
    three.lab.cut(number)
    three.seen_away(three.names[number])
    three.lab.renew(number)
    three.join(number, replace=True)
