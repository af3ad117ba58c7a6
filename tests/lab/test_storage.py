"""The storages' suite where it counts: a node's folder over SSH, and a real Ceph; and what only a cluster shows."""

import sys
from pathlib import Path

import pytest

from appliance import chance
from appliance.host import LocalHost
from controller.drivers import places, storage_suite
from controller.drivers.storage_dir import DirStorage
from controller.drivers.storage_rbd import RbdStorage

sys.path.insert(0, str(Path(__file__).parent))
import small_ceph

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """64 MiB, all of it written: 0x42."""
    path = tmp_path_factory.mktemp("image") / "image.qcow2"
    LocalHost().run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M"])
    LocalHost().run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 64M", str(path)])
    return path


@pytest.fixture(scope="module")
def ceph(node):
    small_ceph.up(node)
    yield node
    small_ceph.down(node)


@pytest.fixture(scope="module")
def rbd(ceph):
    return RbdStorage(ceph, patience=2)


@pytest.fixture(scope="module")
def folder(node):
    yield DirStorage(Path("/var/lib/hbox/suite"), node)
    node.run(["rm", "-rf", "/var/lib/hbox/suite"])


@pytest.mark.parametrize("promise", storage_suite.SUITE, ids=lambda p: p.__name__)
def test_a_nodes_folder_over_ssh_keeps_every_promise(node, folder, image, promise):
    storage_suite.keep(promise, storage_suite.Bench(folder, node, image, chance.new_id()))
    assert folder.volumes() == frozenset()


@pytest.mark.parametrize("promise", storage_suite.SUITE, ids=lambda p: p.__name__)
def test_ceph_keeps_every_promise(ceph, rbd, image, promise):
    storage_suite.keep(promise, storage_suite.Bench(rbd, ceph, image, chance.new_id()))
    assert (rbd.volumes(), rbd.images()) == (frozenset(), frozenset())


def test_erasing_a_clone_leaves_the_blocks_of_its_image_alone(ceph, rbd, image):
    bench = storage_suite.Bench(rbd, ceph, image, chance.new_id())
    one, two = bench.volume("one"), bench.volume("two")
    rbd.take_image("suite-image", image, bench.tell)
    for clone in (one, two):
        rbd.clone(clone, "suite-image", 1)
    bench.fill(one, 0x11, 8 << 20)
    erased = rbd.erase(one)
    assert erased is not None
    assert erased.verified
    assert erased.bytes == 4 << 20  # the one object that was its own, not 64 MiB
    assert bench.holds(two, 0x42, 8 << 20)
    rbd.erase(two)
    rbd.drop_image("suite-image")


def test_a_volume_goes_from_a_nodes_folder_to_ceph_and_back(ceph, rbd, folder, image):
    owner = chance.new_id()
    here = storage_suite.Bench(folder, ceph, image, owner)
    there = storage_suite.Bench(rbd, ceph, image, owner)
    volume = here.volume("data")
    folder.create(volume, 1)
    here.fill(volume, 0x17, 3 << 20)
    rbd.copy(volume, folder.locator(volume), here.tell)
    assert rbd.same(volume, folder.locator(volume))
    assert there.holds(volume, 0x17, 3 << 20)
    folder.erase(volume)
    folder.copy(volume, rbd.locator(volume), here.tell)
    assert folder.same(volume, rbd.locator(volume))
    there.fill(volume, 0x18)
    assert not folder.same(volume, rbd.locator(volume))
    folder.erase(volume)
    rbd.erase(volume)


def test_qemu_is_told_where_the_cluster_is(ceph, rbd):
    source = rbd.source(f"{chance.new_id()}/data")
    assert source.monitors == (f"{ceph.address}:3300",)
    assert (source.pool, source.user, len(source.secret)) == ("hbox", "hbox", 36)


def test_a_half_made_image_is_made_anew(ceph, rbd, image):
    bench = storage_suite.Bench(rbd, ceph, image, chance.new_id())
    volume = bench.volume("data")
    half = "/".join(("hbox", volume.replace("/", ".") + ".new"))
    ceph.run(["rbd", "--id", "hbox", "create", "--size", "1G", half])
    assert volume in rbd.volumes()
    rbd.create(volume, 1)
    assert bench.holds(volume, 0)
    *_, place = places.reading(rbd.locator(volume))
    assert ".new" not in place
    assert rbd.erase(volume) is not None
    assert volume not in rbd.volumes()
