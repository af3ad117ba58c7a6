"""The replicated storage on three real nodes: undone, set up over a killed worker, guarded, mended, cold."""

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from appliance.chance import raw
from appliance.clock import monotonic, pause
from images import lab
from images.lab import leftovers
from images.lab.forward import free_port
from tests.cluster.box import ThreeNodes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

FOLDER = "/var/lib/ceph/osd-files"
# What joining does for the storage, without the joining.
REJOIN = """
import sys, uuid
from dataclasses import replace
from appliance.settings import load
from controller.work import home_site
from controller.workers import storage_nodes
site = replace(home_site(load()), job_id=str(uuid.uuid4()))
storage_nodes.may_replace(site, sys.argv[1])
storage_nodes.rejoin(site, sys.argv[1], print)
"""
FORGOTTEN = """systemctl stop 'ceph-*@*'
rm -rf /var/lib/ceph/mon/* /var/lib/ceph/mgr/* /var/lib/ceph/osd/* /etc/ceph/ceph*
for unit in $(systemctl list-units --all --plain --no-legend 'ceph-*@*.service' | cut -d' ' -f1)
do systemctl disable $unit; done; true"""
# Whatever of a storage is still on a node.
LEFT = f"""find /var/lib/ceph/mon /var/lib/ceph/mgr /var/lib/ceph/osd -mindepth 1
ls /etc/ceph/*keyring /etc/ceph/ceph.conf {FOLDER}/a.img 2>/dev/null
pgrep -l 'ceph-(mon|mgr|osd)'; virsh secret-list | grep ceph; true"""
OVER = ("succeeded", "failed", "refused", "cancelled")
# The roles, told of every disk there is: what changes on a node that is as it should be.
AGAIN = """
import json
from sqlalchemy import select
from appliance.settings import load
from controller.records.cluster import OsdDisk
from controller.records.session import reading
from controller.work import home_site
from controller.workers import storage_plan, storage_survey
site = home_site(load())
uuids = {one["osd"]: one["uuid"] for one in storage_plan.cluster(site).ask("osd", "dump")["osds"]}
disks = {}
with reading(site.engine) as session:
    for row in session.scalars(select(OsdDisk).where(OsdDisk.osd.is_not(None))):
        new = storage_plan.NewDisk(row.osd, uuids[row.osd], row.path, storage_survey.FILE_MIB)
        disks.setdefault(row.node, []).append(new)
told = storage_plan.run(site, lambda _line: None, sorted(disks), disks)
print(json.dumps({node: recap.changed for node, recap in told.items()}))
"""


@pytest.fixture(scope="module")
def three() -> Iterator[ThreeNodes]:
    made = lab.up(f"e{raw(5).hex()}", nodes=3, console_port=free_port(), patience=400)
    try:
        box = ThreeNodes(made)
        waited(lambda: box.home.run(["test", "-S", "/run/hbox/api.sock"], check=False).code == 0)
        for number in (1, 2):
            box.join(number)
        yield box
    finally:
        made.down()
    assert leftovers.find(made.name) == []


def words(three: ThreeNodes, file: str = "a.img") -> list[str]:
    nodes = [word for name in three.names for word in ("--node", name)]
    disks = [word for name in three.names for word in ("--disk", f"{name}:{FOLDER}/{file}")]
    return ["storage", "setup", *nodes, *disks]


def waited(what: Callable[[], object], limit: float = 600.0) -> object:
    end = monotonic() + limit
    while not (found := what()):
        assert monotonic() < end, "it did not come"
        pause(1)
    return found


def job(three: ThreeNodes, number: str) -> dict:
    """The job; a web process that is just starting again is waited for."""
    end = monotonic() + 60
    while True:
        said = three.home.run(
            ["hbox", "job", "show", number, "--format", "json"], check=False, timeout=60
        )
        if said.code == 0:
            return json.loads(said.text)
        assert monotonic() < end, said.err
        pause(1)


def reached(three: ThreeNodes, number: str, step: str) -> bool:
    steps = {one["key"]: one["state"] for one in job(three, number)["steps"]}
    assert steps.get(step) != "failed", steps
    return steps.get(step) == "running"


def asked(three: ThreeNodes) -> str:
    return str(json.loads(three.hbox(*words(three), "--no-wait", "--format", "json"))["number"])


def sums(three: ThreeNodes) -> str:
    read = "rbd --id hbox export hbox/probe@kept - 2>/dev/null | sha256sum"
    return three.home.run(["sh", "-c", read], timeout=300).text


def state(three: ThreeNodes) -> str:
    return three.ask("storage", "show")["state"]


def test_a_disk_with_data_is_refused_and_nothing_is_begun(three: ThreeNodes) -> None:
    three.lab.nodes[2].run(["sh", "-c", f"mkdir -p {FOLDER}; echo mine >{FOLDER}/a.img"])
    said = three.home.run(["hbox", *words(three)], check=False, timeout=300)
    assert (said.code, b"storage.disk_refused" in said.err) == (1, True), said.err
    assert three.ask("storage", "list") == []
    assert three.lab.nodes[2].read(f"{FOLDER}/a.img") == b"mine\n"
    three.lab.nodes[2].run(["rm", f"{FOLDER}/a.img"])


def test_a_set_up_that_is_cancelled_leaves_nothing(three: ThreeNodes) -> None:
    number = asked(three)
    waited(lambda: reached(three, number, "daemons"))
    three.hbox("job", "cancel", number)
    ended = waited(lambda: (j := job(three, number))["state"] in OVER and j)
    assert ended["state"] == "cancelled", ended  # type: ignore[index]
    assert three.ask("storage", "list") == []
    for node in three.lab.nodes:
        left = node.run(["sh", "-c", LEFT]).text
        assert left == "", f"{node.name}: {left}"
    assert three.home.run(["ls", "/var/lib/hbox/keys"]).text.split().count("ceph") == 0


def test_it_comes_up_whole_over_a_worker_that_is_killed(three: ThreeNodes) -> None:
    number = asked(three)
    for step in ("daemons", "disks"):
        waited(lambda step=step: reached(three, number, step))
        pause(4)
        three.home.run(["systemctl", "kill", "--signal=KILL", "hbox-worker.service"])
    ended = waited(lambda: (j := job(three, number))["state"] in OVER and j, 900)
    assert ended["state"] == "succeeded", ended  # type: ignore[index]
    three.healthy()
    assert len(three.ask("storage", "disk", "list")) == 3


def test_health_is_ok_because_all_is_well(three: ThreeNodes) -> None:
    """Nothing muted, no check raised, every module of the manager that is switched on can run."""
    said = three.health()
    assert (said["status"], said["muted"], said["checks"]) == ("HEALTH_OK", [], {})
    modules = json.loads(three.home.run(["ceph", "mgr", "dump", "--format", "json"]).text)
    on = set(modules["modules"]) | set(modules["always_on_modules"]["reef"])
    broken = [m["name"] for m in modules["available_modules"] if not m["can_run"]]
    assert not on & set(broken)
    pool = json.loads(three.home.run(["ceph", "osd", "pool", "ls", "detail", "-f", "json"]).text)
    assert {(p["size"], p["min_size"]) for p in pool} == {(3, 2)}


def test_everybody_proves_who_he_is_and_nothing_is_in_the_clear(three: ThreeNodes) -> None:
    for node in three.lab.nodes:
        log = ["journalctl", "-b", "--no-pager", "-q", "-o", "cat", "-g", "disabling cephx"]
        assert node.run(log, check=False).text == ""
        listening = node.run(["ss", "-Hlntp"]).text
        assert "3300" in listening
        assert ":6789 " not in listening, "the old protocol"
    shown = three.home.run(["ceph", "tell", "osd.0", "config", "get", "ms_cluster_mode"]).text
    assert json.loads(shown)["ms_cluster_mode"] == "secure"


def test_no_key_is_in_a_log_or_readable_by_others(three: ThreeNodes) -> None:
    secret = three.home.read("/var/lib/hbox/keys/ceph/client.hbox.key").decode()
    for node in three.lab.nodes:
        node.write("/run/probe", secret.encode(), mode=0o600)
        hits = node.run(["sh", "-c", "journalctl --no-pager -o cat | grep -cF -f /run/probe; true"])
        assert hits.text.strip() == "0"
        node.run(["rm", "/run/probe"])
        files = node.run(["grep", "-rlF", secret, "/etc", "/var/lib/hbox"], check=False).text
        for path in files.split():
            assert node.run(["stat", "-c", "%a", path]).text.strip() == "600", path


def test_a_second_run_of_the_roles_changes_nothing(three: ThreeNodes) -> None:
    three.home.write("/root/again.py", AGAIN.encode())
    said = three.home.run(["/usr/lib/hbox/venv/bin/python", "/root/again.py"], timeout=600).text
    assert json.loads(said.splitlines()[-1]) == dict.fromkeys(three.names, 0)


def test_less_safety_set_behind_our_back_is_an_error(three: ThreeNodes) -> None:
    three.home.run(["ceph", "osd", "pool", "set", "hbox", "min_size", "1"])
    waited(lambda: state(three) == "error", 60)
    codes = [need["code"] for need in three.ask("storage", "show")["facts"]["needs"]]
    assert codes == ["storage.guard_broken"]
    three.home.run(["ceph", "osd", "pool", "set", "hbox", "min_size", "2"])
    three.home.run(["ceph", "health", "mute", "OSD_DOWN", "--sticky"])
    waited(lambda: "storage.muted" in str(three.ask("storage", "show")["facts"]["needs"]), 60)
    three.home.run(["ceph", "health", "unmute", "OSD_DOWN"])
    waited(lambda: state(three) == "ok", 60)


def test_the_last_copies_are_not_given_up(three: ThreeNodes) -> None:
    said = three.home.run(["hbox", "storage", "disk", "remove", "0"], check=False, timeout=120)
    assert (said.code, b"storage.copies_at_risk" in said.err) == (1, True), said.err


def test_a_failed_disk_is_noticed_and_replaced_without_losing_a_byte(three: ThreeNodes) -> None:
    three.home.run(["rbd", "--id", "hbox", "create", "hbox/probe", "--size", "256M"])
    write = "rbd --id hbox bench --io-type write --io-size 4M --io-total 256M hbox/probe"
    three.home.run(["sh", "-c", write], timeout=300)
    three.home.run(["rbd", "--id", "hbox", "snap", "create", "hbox/probe@kept", "--no-progress"])
    before = sums(three)
    node, disk = three.lab.nodes[1], f"{three.names[1]}:{FOLDER}/a.img"
    node.run(["dd", "if=/dev/urandom", f"of={FOLDER}/a.img", "bs=1M", "count=8", "conv=notrunc"])
    node.run(["systemctl", "kill", "--signal=KILL", "ceph-osd@1.service"])
    shown = waited(lambda: (s := three.ask("storage", "show"))["state"] == "no_spare" and s, 90)
    assert [need["code"] for need in shown["facts"]["needs"]] == ["storage.disk_failed"]  # type: ignore[index]
    three.hbox("storage", "disk", "replace", disk, "--path", f"{FOLDER}/b.img")
    three.healthy()
    there = {d["path"]: (d["osd"], d["state"]) for d in three.ask("storage", "disk", "list")
             if d["node"] == three.names[1]}  # fmt: skip
    assert there == {f"{FOLDER}/a.img": (None, "gone"), f"{FOLDER}/b.img": (1, "in")}
    assert sums(three) == before


def test_a_node_set_up_anew_gets_its_part_again_from_its_old_disk(three: ThreeNodes) -> None:
    """Daemons, keys and configuration of a node are gone, its disk is there: it bears three copies again."""
    before, node = sums(three), three.lab.nodes[2]
    node.run(["sh", "-c", FORGOTTEN])
    three.home.write("/root/rejoin.py", REJOIN.encode())
    program = ["/usr/lib/hbox/venv/bin/python", "/root/rejoin.py", node.name]
    three.home.run(program, timeout=900)
    three.healthy()
    assert sums(three) == before


def test_all_nodes_lose_power_and_it_comes_back_by_itself(three: ThreeNodes) -> None:
    before = sums(three)
    for number in range(3):
        three.lab.cut(number)
    starts = [threading.Thread(target=three.lab.start, args=(n,)) for n in range(3)]
    for one in starts:
        one.start()
    for one in starts:
        one.join()
    three.healthy()
    assert sums(three) == before
