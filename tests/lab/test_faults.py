"""libvirtd killed, or the disk full, in the middle of real jobs: each ends whole or undone, or waits and says why.

What happens at a step's boundary is seeded by `HBOX_CRASH_SEED`: libvirtd dies up to half a second after
the step has begun. Judged by libvirt, the disk and the database.
"""

import hashlib
import json
import random
import struct
import uuid

import pytest

from tests.lab.rigging import Rig, wish
from tests.sampling import SEED

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

KILL = """(sleep {late:.2f}; systemctl show -p MainPID --value libvirtd.service >/run/hbox-struck
systemctl kill --signal=KILL libvirtd.service) >/dev/null 2>&1 &"""
ROOM = "8G"  # of the small file system, while it is not full; only what is written takes memory
PARTS = ("/volumes", "/templates", "")
MOVED = """mv {state} {state}.was
for at in {state} {state}/volumes {state}/templates
do install -d -m 0711 $at; mount -t tmpfs -o size={room},mode=711 tmpfs $at; done
cp -a {state}.was/. {state}/; rm -rf {state}.was"""
FULL = "used=$(df -k --output=used {at} | tail -1); mount -o remount,size=$((used + {left} > 0 ? used + {left} : 4))k {at}"

# A boot sector with one partition of type 83h behind it.
_MBR = bytes(446) + struct.pack("<B3xB3xII", 0x80, 0x83, 1, 8192) + bytes(48) + b"\x55\xaa"


class Small(Rig):
    """A rig whose records, volumes and templates lie on file systems of their own, which can be made full."""

    @classmethod
    def new(cls, node) -> "Small":
        rig = super().new(node)
        node.run(["sh", "-euc", MOVED.format(state=rig.state, room=ROOM)])
        return rig

    def erase(self) -> None:
        """See `Rig.erase`; the file systems go too."""
        self.undefine()
        for at in PARTS:
            self.node.run(["umount", "-l", f"{self.state}{at}"], check=False)
        self.node.run(["rm", "-rf", self.state])

    def room(self, at: str) -> None:
        """There is room again."""
        self.node.run(["mount", "-o", f"remount,size={ROOM}", at])

    def fill(self, at: str, left: int = 0) -> str:
        """The script that leaves `left` KiB free."""
        return FULL.format(at=at, left=left)

    def worked(self, *first: str, at: tuple[str, str], do: str, seconds: float = 60) -> dict:
        """Ask for what `first` says and work, with `do` at that boundary; what is there afterwards."""
        more = ["--seconds", str(seconds)]
        said = self(*first, "+", "work", "--do", *at, do, *more, "+", "dump")
        return _last_line(said.text)

    def struck(self, *first: str, step: str) -> dict:
        """Ask for it and work; libvirtd, which ran, is killed a moment after the step has begun."""
        chance = random.Random(f"{SEED} {first[1]} {step}")  # noqa: S311 - a sample, not a secret
        self.node.run(["rm", "-f", "/run/hbox-struck"])
        late = chance.choice((0.0, chance.random() / 5))
        seen = self.worked(*first, at=(step, "begun"), do=KILL.format(late=late))
        dead = self.node.read("/run/hbox-struck").decode().strip()
        assert dead != "0", "libvirtd did not run"
        assert self.node.run(["kill", "-0", dead], check=False).code != 0, "libvirtd was not killed"
        return seen

    def settled(self, *words: str) -> dict:
        """Ask for it and work undisturbed."""
        return _last_line(self(*words, "+", "work", "+", "dump").text)


@pytest.fixture(scope="module")
def rig(node):
    made = Small.new(node)
    yield made
    made.erase()


@pytest.fixture(scope="module")
def template(rig):
    """A template whose guest carries no agent: nobody waits for it to answer."""
    words, made = importing(rig, "plain")
    seen = rig.settled(*words)
    fine(seen)
    return made


def importing(rig, name: str) -> tuple[tuple[str, ...], str]:
    """Hand a disk of 4 MiB in; the words that ask for its import, and the template's id."""
    upload, made = f"{uuid.uuid4()}.img", str(uuid.uuid4())
    data = _MBR + hashlib.sha256(name.encode()).digest() * 131072
    rig.node.run(["mkdir", "-p", f"{rig.state}/uploads"])
    rig.node.write(f"{rig.state}/uploads/{upload}", data)
    fields = {"template_id": made, "name": name, "version": "1", "upload": upload}
    digest = hashlib.sha256(data).hexdigest()
    return wish("template.import", **fields, digest=digest, boot="kernel"), made


def creation(rig, name: str, template: str, *, start: bool = False) -> tuple[tuple[str, ...], str]:
    vm = str(uuid.uuid4())
    fields = {"vm_id": vm, "name": name, "zone": "extranet", "node": rig.host, "start": start}
    size = {"vcpus": 1, "memory_mib": 256, "disk_gib": 2, "storage": "dir"}
    none = dict.fromkeys(("tenant", "apart", "user_data"), "")
    return wish("vm.create", **fields, **size, **none, template_id=template), vm


def _last_line(text: str) -> dict:
    return json.loads(text.splitlines()[-1])


def last(seen: dict) -> dict:
    return max(seen["jobs"], key=lambda job: job["number"])


def fine(seen: dict) -> None:
    """The newest job did what it should, and no job holds anything any more."""
    job = last(seen)
    assert (job["state"], job["error"]) == ("succeeded", None)
    quiet(seen)


def refused(seen: dict, code: str) -> None:
    """The newest job was undone for this reason."""
    job = last(seen)
    assert (job["state"], job["error"]["code"]) == ("failed", code), job["error"]
    quiet(seen)


def engines(rig, vm: str) -> int:
    """How many QEMU processes carry the machine."""
    return len(rig.node.run(["pgrep", "-f", f"qemu-system.*{vm}"], check=False).text.split())


def known(rig, vm: str) -> str:
    """The machine's state by libvirt's own word, "" where it is not defined."""
    said = rig.node.run(["virsh", "domstate", vm], check=False)
    return said.text.strip() if said.code == 0 else ""


def quiet(seen: dict) -> None:
    assert seen["ledger"] == []
    for job in seen["jobs"]:
        assert job["state"] in ("succeeded", "failed")
        assert (job["worker"], job["lease_until"]) == (None, None)


def gone(rig, seen: dict, vm: str) -> None:
    """Nothing of the machine is anywhere."""
    assert (known(rig, vm), engines(rig, vm)) == ("", 0)
    assert vm not in rig.node.run(["ls", "-A", f"{rig.state}/volumes"]).text
    assert [row for row in seen["vms"] if row["id"] == vm] == []
    assert [row for row in seen["volumes"] if row["vm_id"] == vm] == []
    quiet(seen)


def test_libvirtd_killed_in_the_middle_of_a_machines_life(rig, template):
    words, vm = creation(rig, "struck", template)
    seen = rig.struck(*words, step="define")
    fine(seen)
    assert known(rig, vm) == "shut off"
    snapshot = str(uuid.uuid4())
    words = wish("vm.snapshot", vm_id=vm, snapshot_id=snapshot, name="kept")
    seen = rig.struck(*words, step="take")
    fine(seen)
    kept = ["qemu-img", "snapshot", "-l", f"{rig.state}/volumes/{vm}/system.qcow2"]
    assert snapshot.replace("-", "") in rig.node.run(kept).text.replace("-", "")
    seen = rig.struck(*wish("vm.start", vm_id=vm), step="start")
    fine(seen)
    assert (known(rig, vm), engines(rig, vm)) == ("running", 1)
    (row,) = (row for row in seen["vms"] if row["id"] == vm)
    assert (row["wished"], row["actual"]) == ("running", "running")
    for step in ("stop", "undefine"):
        words, twin = (wish("vm.delete", vm_id=vm), vm) if step == "stop" else doomed(rig, template)
        seen = rig.struck(*words, step=step)
        fine(seen)
        gone(rig, seen, twin)


def doomed(rig, template: str) -> tuple[tuple[str, ...], str]:
    words, vm = creation(rig, "doomed", template)
    rig.settled(*words)
    return wish("vm.delete", vm_id=vm), vm


@pytest.mark.parametrize(("step", "left"), [("disk", 0), ("disk", 200), ("seed", 0)])
def test_no_room_for_a_machines_disks(rig, template, step, left):
    at = f"{rig.state}/volumes"
    words, vm = creation(rig, "large", template)
    seen = rig.worked(*words, at=(step, "begun"), do=rig.fill(at, left))
    rig.room(at)
    refused(seen, "storage.full")
    gone(rig, seen, vm)
    assert ".new" not in rig.node.run(["find", at]).text


def test_no_room_for_a_volume(rig):
    at = f"{rig.state}/volumes"
    name = str(uuid.uuid4())
    fields = {"volume_id": name, "name": "records", "gib": 1, "storage": "dir", "node": rig.host}
    words = wish("volume.create", **fields, tenant="")
    seen = rig.worked(*words, at=("make", "begun"), do=rig.fill(at))
    rig.room(at)
    refused(seen, "storage.full")
    assert seen["volumes"] == []
    assert name not in rig.node.run(["ls", "-A", at]).text


@pytest.mark.parametrize(
    ("step", "code"),
    [("take", "job.disk_full"), ("examine", "image.too_large"), ("sign", "job.disk_full")],
)
def test_no_room_for_a_template(rig, step, code):
    at = f"{rig.state}/templates"
    before = rig.node.run(["ls", "-A", at]).text
    words, template = importing(rig, "large")
    seen = rig.worked(*words, at=(step, "begun"), do=rig.fill(at))
    rig.room(at)
    refused(seen, code)
    assert rig.node.run(["ls", "-A", at]).text == before
    assert template not in json.dumps(seen["templates"])


def test_the_whole_disk_is_full(rig, template):
    """No room for the records and the worker's own notes: it waits, and goes on when there is room."""
    words, vm = creation(rig, "patient", template)
    work = ["work", "--do", "seed", "done", rig.fill(rig.state), "--seconds", "5"]
    said = rig(*words, "+", *work)
    assert "database or disk is full" in said.err.decode()
    assert known(rig, vm) == ""
    rig.room(rig.state)
    seen = rig.work()
    fine(seen)
    assert known(rig, vm) == "shut off"
    fine(rig.settled(*wish("vm.delete", vm_id=vm)))
