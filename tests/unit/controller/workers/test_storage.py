"""The storage's worker without a cluster: what is surveyed, kept, concluded and recorded."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.host import LocalHost, Result
from controller.actions.storage import ReplaceDisk, SetUpStorage, StorageNotThere
from controller.drivers import ceph_facts
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.jobs.execution import Cancelled
from controller.jobs.steps import nothing
from controller.records.cluster import OsdDisk
from controller.records.session import transaction
from controller.records.tables import Job, Node
from controller.workers import (
    storage,
    storage_disks,
    storage_logs,
    storage_nodes,
    storage_plan,
    storage_survey,
    storage_waits,
)
from controller.workers.site import NodeDrivers, Site
from controller.workers.storage_survey import DiskRefused

RECORDED = Path(__file__).parents[1] / "drivers" / "ceph"
JOB = "7c2e691c-92c5-4bab-9f0e-c282f68b8508"
NODES = ("node-1", "node-2", "node-3")
DISK = {
    "path": "/dev/sdb", "type": "disk", "size": 100 * 2**30, "serial": "S1", "ro": False,
    "mountpoints": [None], "fstype": None, "pttype": None,
}  # fmt: skip


class Answering(LocalHost):
    """This machine, but for some programs whose answers stand here."""

    def __init__(self, answers: dict[str, tuple[int, str]], lab: bool = False) -> None:
        self.answers = answers
        self.lab = lab
        self.asked: list[list[str]] = []

    def run(self, argv, **given) -> Result:
        self.asked.append(list(argv))
        if argv[0] in self.answers:
            code, out = self.answers[argv[0]]
            return Result(tuple(argv), code, out.encode(), b"")
        return super().run(argv, **given)

    def read(self, path: str) -> bytes:
        if path == "/etc/hbox/lab.json":
            return json.dumps({"lab": self.lab}).encode()
        return super().read(path)


def device(**more) -> Answering:
    listed = json.dumps({"blockdevices": [{**DISK, **more}]})
    return Answering({"lsblk": (0, listed), "blkid": (2, ""), "udevadm": (0, "disk/by-path/x")})


@pytest.fixture
def site(controller, tmp_path):
    with transaction(controller.engine) as session:
        for number, name in enumerate(NODES):
            row = session.get(Node, name) or Node(name=name)
            row.address = f"10.77.0.{10 + number}"
            session.add(row)
    host = LocalHost()
    drivers = NodeDrivers(
        FakeHypervisor(tmp_path / "vms"), DirStorage(tmp_path / "volumes", host, {}), host
    )
    made = Site(controller.settings, controller.engine, {"node-1": drivers}, job_id=JOB)
    (storage_plan.folder(made)).mkdir(parents=True)
    return made


def test_an_empty_whole_disk_is_taken_by_its_lasting_name():
    host = device()
    host.answers["udevadm"] = (0, "disk/by-path/pci-1 disk/by-id/ata-X disk/by-id/wwn-0x5 sdb1")
    seen = storage_survey.survey(host, "/dev/sdb")
    assert (seen.stable, seen.serial, seen.size_mib, seen.file) == (
        "/dev/disk/by-id/wwn-0x5", "S1", 102400, False,
    )  # fmt: skip
    assert storage_survey.survey(device(), "/dev/sdb").stable == "/dev/sdb"


@pytest.mark.parametrize(
    "more",
    [
        {"type": "part"},
        {"ro": True},
        {"pttype": "gpt"},
        {"children": [{"type": "part"}]},
        {"mountpoints": ["/srv"]},
        {"fstype": "ext4"},
        {"fstype": "ceph_bluestore"},
        {"size": 2**30},
    ],
)
def test_a_disk_with_anything_on_it_is_refused(more):
    with pytest.raises(DiskRefused):
        storage_survey.survey(device(**more), "/dev/sdb")


def test_a_label_that_only_a_probe_finds_is_enough_to_refuse():
    host = device()
    host.answers["blkid"] = (0, '/dev/sdb: TYPE="LVM2_member"')
    with pytest.raises(DiskRefused):
        storage_survey.survey(host, "/dev/sdb")


def test_no_such_device_and_a_lab_hosts_disk_are_refused():
    with pytest.raises(DiskRefused):
        storage_survey.survey(Answering({"lsblk": (32, "")}), "/dev/sdb")
    host = device()
    host.lab = True
    with pytest.raises(DiskRefused):
        storage_survey.survey(host, "/dev/sdb")
    assert host.asked == [], "not even looked at"


def test_only_our_own_disk_is_known_by_its_label():
    said = json.dumps({"/dev/sdb": {"osd_uuid": JOB, "size": 1, "description": "main"}})
    assert storage_survey.bears(Answering({"ceph-bluestore-tool": (0, said)}), "/dev/sdb", JOB)
    other = Answering({"ceph-bluestore-tool": (0, said)})
    assert not storage_survey.bears(other, "/dev/sdb", "another")
    for answer in ((1, ""), (0, "not json"), (0, "{}")):
        host = Answering({"ceph-bluestore-tool": answer})
        assert not storage_survey.bears(host, "/dev/sdb", JOB)


def test_a_file_stands_for_a_disk_only_in_a_lab_and_only_empty(tmp_path):
    path = str(tmp_path / "a.img")
    with pytest.raises(DiskRefused):
        storage_survey.survey(Answering({}), path)
    lab = Answering({}, lab=True)
    assert storage_survey.survey(lab, path).size_mib == storage_survey.FILE_MIB
    with Path(path).open("wb") as file:
        file.truncate(storage_survey.FILE_MIB * 2**20)
    assert storage_survey.survey(lab, path).file
    with Path(path).open("r+b") as file:
        file.write(b"data")
    with pytest.raises(DiskRefused):
        storage_survey.survey(lab, path)


def test_the_steps_are_the_same_each_time_and_only_the_making_ones_have_reverses(site):
    action = SetUpStorage(",".join(NODES), ",".join(f"{n}:/dev/sdb" for n in NODES))
    first, again = storage.set_up(action, site), storage.set_up(action, site)
    assert [(s.key, s.title) for s in first] == [(s.key, s.title) for s in again]
    assert [s.key for s in first if s.undo is not nothing] == ["keys", "daemons"]


def test_a_replacement_counts_before_its_long_repair_and_can_be_taken_back_only_before(site):
    steps = storage_disks.replace(ReplaceDisk("node-1:/dev/sdb", "/dev/sdc"), site)
    keys = [step.key for step in steps]
    assert keys.index("survey") < keys.index("guard") < keys.index("destroy")
    assert keys.index("record") < keys.index("repair")
    with transaction(site.engine) as session:
        session.add(
            OsdDisk(
                id="node-1:/dev/sdc", node="node-1", path="/dev/sdc", osd=1, state="in",
                job_id=JOB, since="then",
            )
        )  # fmt: skip
    undo = next(step.undo for step in steps if step.key == "store")
    undo(lambda _line: None)  # it serves: nothing is asked of systemctl, nothing is wiped
    with transaction(site.engine) as session:
        session.get(OsdDisk, "node-1:/dev/sdc").state = "wished"
    host = Answering({"systemctl": (0, ""), "rm": (0, ""), "dd": (0, "")})
    site.nodes["node-1"] = replace(site.nodes["node-1"], host=host)
    undo(lambda _line: None)
    assert [argv[0] for argv in host.asked] == ["systemctl", "rm", "dd"]
    assert "of=/dev/sdc" in host.asked[2]


def test_a_long_wait_heeds_a_cancellation(site):
    with transaction(site.engine) as session:
        job = Job(
            id=JOB, number=7, kind="storage.disk.remove", action={}, title_zh="", title_en="",
            object="storage/rbd", actor="a", role="system", locks=[], state="running",
            audit_number=1, created_at="then", cancel_asked=False,
        )  # fmt: skip
        session.add(job)
    storage_waits.heed(site)
    with transaction(site.engine) as session:
        session.get(Job, JOB).cancel_asked = True
    with pytest.raises(Cancelled):
        storage_waits.heed(site)


def test_ids_come_from_the_job_so_a_resumed_one_finds_them_again(site):
    kept = storage_plan.first_members(site, NODES)
    assert kept == storage_plan.first_members(site, NODES)
    other = storage_plan.first_members(replace(site, job_id=str(uuid.uuid4())), NODES)
    assert kept.fsid != other.fsid
    assert kept.addresses == ["10.77.0.10:3300", "10.77.0.11:3300", "10.77.0.12:3300"]
    disk = storage_plan.disk_uuid(site, "node-1:/dev/sdb")
    assert disk == storage_plan.disk_uuid(site, "node-1:/dev/sdb")
    assert disk != storage_plan.disk_uuid(site, "node-2:/dev/sdb")


def test_members_are_kept_for_root_alone_and_read_back(site):
    with pytest.raises(StorageNotThere):
        storage_plan.members(site)
    assert not storage_plan.is_set_up(site)
    kept = storage_plan.first_members(site, NODES)
    storage_plan.keep(site, kept)
    assert storage_plan.members(site) == kept
    file = storage_plan.folder(site) / "members.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in storage_plan.without(kept, "node-2").monitors] == [
        "node-1", "node-3",
    ]  # fmt: skip


def test_the_first_map_of_the_monitors_speaks_the_secure_protocol_alone(site):
    argv = storage.monmap(storage_plan.first_members(site, NODES), Path("/m"))
    assert "[v2:10.77.0.10:3300]" in argv
    assert not [word for word in argv if "v1:" in word or ":6789" in word]


def test_a_node_without_an_address_bears_nothing(site):
    with transaction(site.engine) as session:
        session.get(Node, "node-2").address = ""
    with pytest.raises(Exception, match="node-2"):
        storage_plan.first_members(site, NODES)


def test_a_box_without_storage_lets_nodes_join_and_leave(site):
    said: list[str] = []
    storage_nodes.rejoin(site, "node-2", said.append)
    storage_nodes.may_replace(site, "node-2")
    storage_nodes.leave(site, "node-2", said.append)
    assert storage_nodes.configure(site, "node-2", said.append) == 0
    assert said == []


def test_waiting_ends_with_what_is_missing(monkeypatch):
    monkeypatch.setattr(storage_waits, "_EVERY", 0.01)
    answers = iter(["osd.1", "osd.1", ""])
    storage_waits.until(lambda: next(answers), lambda _line: None, 5)
    with pytest.raises(storage_waits.NotInTime) as caught:
        storage_waits.until(lambda: "osd.2", lambda _line: None, 0.05)
    assert caught.value.fields["why"] == "osd.2"


def test_going_on_without_keys_is_an_error():
    line = "AuthRegistry no keyring found at /x, disabling cephx"
    with pytest.raises(storage_logs.OpenDoor):
        storage_logs.no_open_door(Answering({"journalctl": (0, line + "\n")}))
    storage_logs.no_open_door(Answering({"journalctl": (1, "")}))


class Room:
    """A cluster that only knows its places and how much is used."""

    def __init__(self, used: int, *nodes: dict[int, int]) -> None:
        there = {f"node-{number}": disks for number, disks in enumerate(nodes)}
        self._places = ceph_facts.Places(there, there)
        self._used = used

    def places(self) -> ceph_facts.Places:
        return self._places

    def used_mib(self) -> int:
        return self._used


def test_a_disk_leaves_only_where_three_nodes_and_room_are_left():
    storage_disks.room_without(Room(500, {0: 1000, 3: 1000}, {1: 1000}, {2: 1000}), [3], "d")
    with pytest.raises(storage_disks.CopiesAtRisk):
        storage_disks.room_without(Room(0, {0: 1000}, {1: 1000}, {2: 1000}), [2], "d")
    with pytest.raises(storage_disks.CopiesAtRisk):
        storage_disks.room_without(Room(900, {0: 1000, 3: 1000}, {1: 2000}, {2: 2000}), [3], "d")
