"""The look at the storage: what a real cluster once said, and what the records and people are told of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import Text
from appliance.host import LocalHost, Result
from controller.actions.storage import NAME
from controller.drivers import ceph_facts
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.records.cluster import OsdDisk, Storage
from controller.records.session import reading, transaction
from controller.records.tables import Node
from controller.workers import storage_waits, storage_watch
from controller.workers.site import NodeDrivers, Site

RECORDED = Path(__file__).parents[1] / "drivers" / "ceph"
JOB = "7c2e691c-92c5-4bab-9f0e-c282f68b8508"
NODES = ("node-1", "node-2", "node-3")


class Ceph(LocalHost):
    """This machine with a `ceph` command that says what a real cluster said once."""

    def __init__(self) -> None:
        self.said: dict = {}
        self.used: int | None = 400
        self.silent = False

    def play(self, name: str, used: int | None = 400) -> None:
        self.said = json.loads((RECORDED / f"{name}.json").read_text())
        self.said["status"]["mgrmap"]["available"] = used is not None
        raw = (used or 0) * 3 * 2**20
        self.said["df"] = {"stats": {"total_used_raw_bytes": raw}}

    def run(self, argv, **given) -> Result:
        if argv[0] != "ceph":
            return super().run(argv, **given)
        assert given["env"]["CEPH_KEYRING"].endswith("/keys/ceph/client.admin.keyring")
        if self.silent:
            return Result(tuple(argv), 1, b"", b"[errno 110] error connecting to the cluster")
        words = " ".join(argv[argv.index("json") + 1 :])
        return Result(tuple(argv), 0, json.dumps(self.said[words]).encode(), b"")


@pytest.fixture
def site(controller, tmp_path):
    """A box of three nodes; the first one is home, and its `ceph` says what a test plays."""
    with transaction(controller.engine) as session:
        session.add_all([Node(name=name) for name in NODES[1:]])
    volumes = DirStorage(tmp_path / "volumes", LocalHost(), {})
    drivers = NodeDrivers(FakeHypervisor(tmp_path / "vms"), volumes, Ceph())
    return Site(controller.settings, controller.engine, {"node-1": drivers}, job_id=JOB)


@pytest.fixture
def recorded(site) -> Ceph:
    """Records of a storage of three disks; what its cluster says is played by the test."""
    with transaction(site.engine) as session:
        session.add(Storage(name=NAME, kind="rbd", state="ok", since="then", facts={"fsid": "f"}))
        for number, node in enumerate(NODES):
            session.add(
                OsdDisk(
                    id=f"{node}:/dev/sdb", node=node, path="/dev/sdb", osd=number,
                    state="in", job_id=JOB, since="then",
                )
            )  # fmt: skip
    return site.home.host


def row(site) -> Storage:
    with reading(site.engine) as session:
        return session.get(Storage, NAME)


def states(site) -> list[str]:
    with reading(site.engine) as session:
        return [session.get(OsdDisk, f"{node}:/dev/sdb").state for node in NODES]


def test_a_failed_disk_is_noticed_needed_and_forgotten_when_it_is_back(site, recorded):
    recorded.play("ok")
    storage_watch.look(site)
    assert (row(site).state, row(site).since, row(site).facts["fsid"]) == ("ok", "then", "f")
    assert row(site).facts["capacity"] > row(site).facts["ceiling"] > row(site).facts["used"]

    recorded.play("down")
    storage_watch.look(site)
    began = row(site).since
    assert (row(site).state, began != "then") == ("no_spare", True)
    assert states(site) == ["in", "failed", "in"]
    (need,) = row(site).facts["needs"]
    assert need["code"] == "storage.disk_failed"
    assert "node-2:/dev/sdb" in need["zh"]
    assert "node-2:/dev/sdb" in need["en"]
    assert row(site).facts["ceiling"] > 0, "what may be promised does not shrink by an outage"
    storage_watch.look(site)
    assert row(site).since == began, "since when is kept"

    recorded.play("ok")
    storage_watch.look(site)
    assert (row(site).state, states(site), row(site).facts["needs"]) == ("ok", ["in"] * 3, [])


def test_the_disks_of_a_node_that_is_away_have_not_failed(site, recorded):
    with transaction(site.engine) as session:
        session.get(Node, "node-2").why = "no route"
    recorded.play("down")
    storage_watch.look(site)
    assert states(site) == ["in", "in", "in"]
    assert [need["code"] for need in row(site).facts["needs"]] == ["storage.node_away"]


def test_over_the_ceiling_is_full(site, recorded):
    recorded.play("ok", used=6000)
    storage_watch.look(site)
    assert row(site).state == "full"
    recorded.play("ok", used=None)
    storage_watch.look(site)
    assert row(site).state == "ok", "no manager, no figure: not called full"
    assert row(site).facts["used"] == 6000, "the last known figure stays"


def test_a_silent_cluster_is_an_error_and_what_was_known_stays(site, recorded):
    recorded.play("ok")
    storage_watch.look(site)
    recorded.silent = True
    storage_watch.look(site)
    assert row(site).state == "error"
    assert row(site).facts["needs"][0]["code"] == "storage.silent"
    assert row(site).facts["capacity"] > 0


def test_less_than_three_copies_and_muted_warnings_are_told():
    said = json.loads((RECORDED / "down.json").read_text())
    seen = ceph_facts.picture(said["status"], said["osd dump"])
    weak = replace(seen, pools=(ceph_facts.Pool("hbox", 2, 1),))
    quiet = replace(weak, checks=(ceph_facts.Check("OSD_DOWN", "HEALTH_WARN", "1 down", True),))
    found = storage_watch.needs(quiet, set(), set())
    assert [need.code for need in found] == ["storage.guard_broken", "storage.muted"]
    later = replace(weak, pools=(), checks=(), mutes=("PG_DEGRADED",))
    assert "PG_DEGRADED" in storage_watch.needs(later, set(), set())[0].text.zh
    assert "muted" in storage_waits.unhealthy(replace(later, osds=()), 0)
    assert all(isinstance(need.text, Text) and need.text.zh != need.text.en for need in found)


def test_a_box_without_storage_has_nothing_to_look_at(site):
    storage_watch.look(site)
    with reading(site.engine) as session:
        assert session.get(Storage, NAME) is None
