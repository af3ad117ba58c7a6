"""The ceiling of replicated storage, held against a search; and what is read from Ceph's answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInput
from appliance.host import CommandFailed
from controller.drivers import at_node_rbd, places
from controller.drivers.ceiling import FULL, ceiling, fits
from controller.drivers.ceph_room import nodes
from controller.drivers.rbd import monitors
from controller.drivers.storage import NoSuchVolume, StorageAway, StorageFailed, VolumeInUse

SIZES = st.lists(st.integers(0, 10_000), min_size=1, max_size=7)


def searched(sizes, copies):
    """The most D with sum(min(s, D)) >= copies * D, found by halving."""
    low, high = 0.0, float(sum(sizes))
    if len(sizes) < copies:
        return 0.0
    for _ in range(200):
        middle = (low + high) / 2
        enough = sum(min(size, middle) for size in sizes) >= copies * middle - 1e-9
        low, high = (middle, high) if enough else (low, middle)
    return low


@given(SIZES, st.integers(1, 4))
def test_the_formula_is_what_a_search_finds(sizes, copies):
    assert fits(sizes, copies) == pytest.approx(searched(sizes, copies), abs=1e-3)


@given(SIZES, st.integers(1, 3))
def test_what_is_below_the_ceiling_survives_any_one_nodes_loss(sizes, copies):
    held = ceiling(sizes, copies)
    usable = [size * FULL for size in sizes]
    if len(sizes) > copies:
        for lost in range(len(usable)):
            left = [*usable[:lost], *usable[lost + 1 :]]
            assert sum(min(size, held) for size in left) >= copies * held - 1e-6
    else:
        assert held <= min(usable)


def test_three_nodes_hold_what_the_smallest_one_can():
    assert ceiling([1000, 1000, 1000]) == 850
    assert ceiling([1000, 600, 1000]) == 510
    assert ceiling([1000, 1000]) == 0
    assert ceiling([]) == 0


def test_a_fourth_node_is_a_spare_and_not_room():
    """With three copies on four equal nodes, one lost: what is left holds as much as three nodes did."""
    assert ceiling([1000] * 4) == 850
    assert ceiling([1000] * 5) == 1133
    assert ceiling([1000, 1000, 1000, 200]) == 170


def disk(number, weight, status="up", reweight=1):
    return {
        "id": number, "type": "osd", "crush_weight": weight, "status": status, "reweight": reweight,
    }  # fmt: skip


def test_nodes_are_as_large_as_their_disks_whether_they_serve_or_not():
    def host(number, *disks):
        return {"id": -number, "type": "host", "name": f"n{number}", "children": list(disks)}

    disks = [disk(0, 1.0), disk(1, 0.5), disk(2, 1.0, "down"), disk(3, 1.0, reweight=0)]
    tree = {"nodes": [{"id": -1, "type": "root"}, host(2, 0, 1), host(3, 2, 3), *disks]}
    assert nodes(tree) == (1536 * 1024, 2048 * 1024)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[v2:10.77.0.10:3300],[v2:10.77.0.11:3300]", ("10.77.0.10:3300", "10.77.0.11:3300")),
        ("[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]", ("10.0.0.1:3300",)),
        ("10.0.0.1, 10.0.0.2:3301", ("10.0.0.1:3300", "10.0.0.2:3301")),
    ],
)
def test_monitors_are_read_from_the_nodes_own_file(text, found):
    assert monitors(text) == found


def test_locators_say_the_format_and_never_leave_it_to_be_guessed():
    reading = places.reading
    assert reading("/v/o/data.qcow2") == ["-f", "qcow2", "/v/o/data.qcow2"]
    assert reading("/v/o/seed.iso") == ["-f", "raw", "/v/o/seed.iso"]
    assert reading(places.locator("/v/o/data.qcow2", "s1")) == [
        "-l", "snapshot.name=s1", "-f", "qcow2", "/v/o/data.qcow2",
    ]  # fmt: skip
    rbd = "rbd:hbox/o.data:id=hbox:conf=/etc/ceph/ceph.conf"
    assert reading(places.locator(rbd, "s1"))[-1] == rbd.replace("o.data", "o.data@s1")
    with pytest.raises(BadInput):
        places.locator(rbd, "s1:conf=/tmp/x")


@pytest.mark.parametrize(
    ("why", "error"),
    [
        ('qemu-img: Failed to get "write" lock', VolumeInUse),
        ("rbd: error: image still has watchers", VolumeInUse),
        ("rbd: error opening image x: (2) No such file or directory", NoSuchVolume),
        ("Input/output error", StorageFailed),
        ("rbd: couldn't connect to the cluster!: (2) No such file or directory", StorageAway),
        ("auth: unable to find a keyring on x: (2) No such file or directory", StorageAway),
    ],
)
def test_refusals_of_programs_are_understood(why, error):
    failed = CommandFailed(command="x", exit=1, why=why)
    assert type(places.translated(failed, "rbd", "o/data", "look")) is error


class Image:
    """An RBD image as Ceph's binding gives it: 16 MiB, some blocks its own."""

    def __init__(self, *own):
        self.own, self.data, self.flushed = own, bytearray(16 << 20), 0

    def size(self):
        return len(self.data)

    def diff_iterate(self, offset, length, _since, note, *, include_parent):
        assert include_parent is False
        for start, size in self.own:
            if start + size > offset and start < offset + length:
                note(max(start, offset), size - max(0, offset - start), True)

    def write(self, data, offset):
        self.data[offset : offset + len(data)] = data

    def read(self, offset, length):
        return bytes(self.data[offset : offset + length])

    def flush(self):
        self.flushed += 1

    def invalidate_cache(self):
        assert self.flushed


def test_an_images_own_blocks_are_overwritten_and_no_others():
    image = Image((0, 5000), (9 << 20, 6 << 20))
    image.data[:] = b"x" * len(image.data)
    said = at_node_rbd.overwrite(image, "seed", 0, 60.0)
    assert (said["next"], said["verified"]) == (-1, True)
    assert said["bytes"] == 8192 + (6 << 20)
    assert bytes(image.data[8192 : 9 << 20]) == b"x" * ((9 << 20) - 8192)
    assert b"xxxxxxxx" not in image.data[9 << 20 : 15 << 20]


def test_an_overwriting_that_is_cut_off_goes_on_where_it_was():
    image, start, turns = Image((0, 16 << 20)), 0, 0
    while start >= 0:
        said = at_node_rbd.overwrite(image, "seed", start, 0.0)
        start, turns = said["next"], turns + 1
    assert (turns, said["verified"]) == (4, True)


def test_an_image_that_does_not_keep_what_is_written_is_noticed():
    class Lying(Image):
        def write(self, data, offset):
            pass

    assert at_node_rbd.overwrite(Lying((0, 4 << 20)), "seed", 0, 60.0)["verified"] is False
