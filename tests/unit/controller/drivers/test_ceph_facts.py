"""What a Ceph cluster says (recorded from a real one of three nodes) and what is concluded from it."""

import copy
import json
from pathlib import Path

import pytest

from controller.drivers import ceph_facts
from controller.drivers.ceph_facts import Data, Group

RECORDED = Path(__file__).with_name("ceph")


def recorded(name: str) -> dict:
    return json.loads((RECORDED / f"{name}.json").read_text())


def picture(said: dict) -> ceph_facts.Picture:
    return ceph_facts.picture(said["status"], said["osd dump"])


def state(said: dict, *, over: bool = False, bearing: int | None = None) -> str:
    there = len(ceph_facts.places(said["osd tree"]).bearing) if bearing is None else bearing
    return ceph_facts.state(picture(said), there, over=over)


def test_a_whole_cluster_is_ok():
    said = recorded("ok")
    seen = picture(said)
    assert (seen.health, seen.checks, len(seen.quorum)) == ("HEALTH_OK", (), 3)
    assert [(osd.number, osd.up, osd.inside, osd.gone) for osd in seen.osds] == [
        (number, True, True, False) for number in range(3)
    ]
    assert seen.data.clean
    assert seen.data.whole
    assert state(said) == "ok"
    assert ceph_facts.repair_seconds(seen.data) == 0


def test_a_missing_copy_with_no_node_left_is_a_state_of_its_own():
    said = recorded("down")
    seen = picture(said)
    assert seen.health == "HEALTH_WARN"
    assert not seen.data.whole
    assert seen.data.missing == pytest.approx(1 / 3)
    assert state(said) == "no_spare"
    assert state(said, bearing=3) == "degraded", "with a third node the copy can be made"


def test_the_time_to_repair_comes_from_the_pace():
    data = Data({"active+undersized+degraded": 33}, bytes=900, missing=1 / 3, rate=100)
    assert ceph_facts.repair_seconds(data) == 9
    assert ceph_facts.repair_seconds(Data(data.states, 900, 1 / 3, 0)) is None


def test_full_goes_before_degraded_and_broken_before_full():
    said = recorded("down")
    assert state(said, over=True) == "full"
    said["status"]["pgmap"]["pgs_by_state"].append({"state_name": "down", "count": 1})
    assert state(said, over=True) == "error"
    near = recorded("ok")
    near["status"]["health"]["checks"]["OSD_NEARFULL"] = {
        "severity": "HEALTH_WARN", "summary": {"message": "1 nearfull osd(s)"}, "muted": False,
    }  # fmt: skip
    assert state(near) == "full"


def test_a_muted_complaint_counts_all_the_same():
    said = recorded("down")
    for check in said["status"]["health"]["checks"].values():
        check["muted"] = True
    said["status"]["health"]["status"] = "HEALTH_OK"
    assert picture(said).health == "HEALTH_WARN"


@pytest.mark.parametrize(("name", "value"), [("size", 2), ("min_size", 1)])
def test_fewer_copies_are_an_error_whatever_ceph_thinks(name, value):
    said = recorded("ok")
    pool = next(p for p in said["osd dump"]["pools"] if p["pool_name"] == "hbox")
    pool[name] = value
    assert state(said) == "error"
    assert [p.name for p in ceph_facts.broken_guards(picture(said).pools)] == ["hbox"]


def test_sizes_are_of_all_disks_bearing_of_those_that_serve():
    there = ceph_facts.places(recorded("down")["osd tree"])
    assert [len(disks) for disks in there.meant.values()] == [1, 1, 1]
    assert len(there.bearing) == 2
    assert all(6000 < size < 6300 for size in there.sizes), "MiB of files of 6 GiB"
    left = ceph_facts.left_without(ceph_facts.places(recorded("ok")["osd tree"]).bearing, [1])
    assert len(left) == 2


def groups(*changes: tuple[str, tuple[int, ...]]) -> list[Group]:
    return [Group(f"2.{at}", state, acting) for at, (state, acting) in enumerate(changes)]


def test_a_disk_that_is_down_may_be_given_up_when_two_others_serve_everything():
    found = ceph_facts.groups(recorded("down")["pg dump pgs_brief"])
    assert ceph_facts.risk(found, [1]) == ""


@pytest.mark.parametrize(
    ("state", "acting", "losing"),
    [
        ("active+undersized+degraded", (0,), [1]),  # one copy is left
        ("undersized+degraded+peered", (0,), [1]),  # not served: the lost one may hold the last
        ("down", (0, 2), [1]),
        ("incomplete", (0, 2), [1]),
        ("unknown", (), [1]),
        ("active+recovery_wait+undersized+degraded", (0, 2), [1]),  # the other is not up to date
        ("active+undersized+degraded+remapped+backfilling", (0, 2), [1]),
        ("active+recovery_unfound+degraded", (0, 2), [1]),
        ("active+clean", (0, 1, 2), [1, 2]),  # two of three at once
        ("active+clean+inconsistent", (0, 1, 2), [1]),
    ],
)
def test_the_last_good_copies_are_never_given_up(state, acting, losing):
    fine = ("active+clean", (0, 1, 2))
    assert ceph_facts.risk(groups(fine), [1]) == ""
    assert ceph_facts.risk(groups(fine, (state, acting)), losing).startswith("2.")


def test_a_hole_in_the_list_of_acting_disks_is_no_disk():
    said = copy.deepcopy(recorded("ok")["pg dump pgs_brief"])
    said["pg_stats"][0]["acting"] = [0, 2147483647, 1]
    (first, *_) = ceph_facts.groups(said)
    assert first.acting == (0, 1)
