"""What counts as drift, what as pending: a pure comparison."""

from pathlib import Path

import pytest

from controller.drivers.base import Disk, Link, Seen, VmSpec
from controller.drivers.storage import FileSource
from controller.workers.drift import compare, of_place, of_power, shape_of

SPEC = VmSpec(
    "id", "hut", 1, 512, (Disk(FileSource(Path("/v/system.qcow2")), "system"),),
    (Link("br-ext", "52:54:0a:58:00:0a", "hm0a58000a"),), None, Path("/v/console.log"),
)  # fmt: skip
SHAPE = shape_of(SPEC)


def seen(**more):
    held = {
        "name": "hut", "vcpus": 1, "memory_mib": 512, "disks": ("system",),
        "links": ("52:54:0a:58:00:0a",), "sources": ("/v/system.qcow2",), "bridges": ("br-ext",),
    }  # fmt: skip
    return Seen(**{**held, **more})


def test_what_is_as_wished_differs_in_nothing():
    for live in (None, seen()):
        found = compare(SHAPE, seen(live=live))
        assert (found.drift, found.pending) == ({}, {})


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": "hat"}, "name"),
        ({"vcpus": 2}, "vcpus"),
        ({"memory_mib": 1}, "memory_mib"),
        ({"disks": (), "sources": ()}, "disks"),
        ({"sources": ("/etc/shadow",)}, "disks"),
        ({"bridges": ("br-int",)}, "links"),
        ({"links": (), "bridges": ()}, "links"),
        ({"extra": ("hostdev",)}, "extra"),
    ],
)
def test_each_difference_is_found_in_the_definition_and_in_what_runs(change, what):
    assert set(compare(SHAPE, seen(**change)).drift) == {what}
    live = compare(SHAPE, seen(live=seen(**change)))
    where = live.pending if what in ("vcpus", "memory_mib") else live.drift
    assert set(where) == {what}


def test_a_size_that_was_changed_in_both_is_drift_alone():
    found = compare(SHAPE, seen(vcpus=2, live=seen(vcpus=2)))
    assert (set(found.drift), found.pending) == ({"vcpus"}, {})


def test_a_disk_that_a_job_plugged_in_for_a_while_is_none():
    live = seen(disks=("system", "hbox-module"), sources=("/v/system.qcow2", "/v/module.iso"))
    assert compare(SHAPE, seen(live=live), frozenset({"hbox-module"})).drift == {}
    assert set(compare(SHAPE, seen(live=live)).drift) == {"disks"}


def test_an_engine_that_says_less_is_held_to_what_it_says():
    assert compare(SHAPE, seen(sources=(), bridges=())).drift == {}


@pytest.mark.parametrize(
    ("wished", "actual", "found"),
    [
        ("running", "running", {}),
        ("running", "unknown", {}),
        ("running", "stopped", {"power": ["running", "stopped"]}),
        ("stopped", "absent", {"definition": ["present", "absent"]}),
    ],
)
def test_power(wished, actual, found):
    assert of_power(wished, actual) == found


@pytest.mark.parametrize(
    ("powers", "found"),
    [
        ({}, {}),
        ({"n1": "stopped"}, {}),
        ({"n1": "stopped", "n2": "stopped"}, {}),
        ({"n2": "stopped"}, {"node": ["n1", "n2"]}),
        ({"n2": "stopped", "n3": "paused"}, {"node": ["n1", "n3"]}),
        ({"n1": "running", "n2": "paused"}, {"twice": ["n1", ["n1", "n2"]]}),
        ({"n1": "stopped", "n2": "running"}, {"node": ["n1", "n2"]}),
    ],
)
def test_places(powers, found):
    assert of_place("n1", powers) == found
