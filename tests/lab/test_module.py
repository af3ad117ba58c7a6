"""A real module in a real VM: trusted, installed through deaths of the worker, removed.

`HBOX_CRASH=all` kills it at all 21 boundaries of installing and 12 of undoing; else at a few (`HBOX_CRASH_SEED`).
"""

import argparse
import hashlib
import uuid
from pathlib import Path

import pytest

from appliance.sdk import commands
from tests.lab.rigging import Rig
from tests.sampling import sample

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

SOURCE = Path(__file__).parents[2] / "appliance" / "modules" / "his-standin"
STEPS = ("verify", "volume", "attach", "install", "health", "detach", "record")
PHASES = ("begun", "done", "recorded")
FORWARD = [(step, phase) for step in STEPS for phase in PHASES]
BACK = [(step, phase) for step in ("install", "attach", "volume", "verify") for phase in PHASES]
PLANTED = "/opt/hbox/modules"  # where the guest unpacks; a file there makes the install fail


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The module packed and signed as its vendor does it; returns path and public key."""
    folder = tmp_path_factory.mktemp("vendor")
    sdk("keygen", str(folder / "vendor.key"))
    sdk("pack", str(SOURCE), "--out", str(folder))
    path = next(folder.glob("*.hmod"))
    sdk("sign", str(path), "--key", str(folder / "vendor.key"))
    return path, (folder / "vendor.key.pub").read_text("ascii")


def sdk(*words: str) -> None:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers())
    chosen = parser.parse_args(["module", *words])
    assert chosen.run(chosen) == 0


@pytest.fixture(scope="module")
def rig(node, bundle):
    made = Rig.new(node)
    made.ask("module.trust", vendor="hbox", pem=bundle[1], ids="his-standin")
    made.work()
    yield made
    made.erase()


@pytest.fixture(scope="module")
def vm(rig):
    """One running VM; its guest agent has answered."""
    made = rig.create("carrier", zone="intranet", start=True)
    job = rig.work()["jobs"][-1]
    assert job["state"] == "succeeded", job["error"]
    assert job["result"] == {"vm": made, "address": "10.66.0.10"}
    return made


def upload(rig, data: bytes) -> dict[str, str]:
    name = f"{uuid.uuid4()}.hmod"
    rig.node.run(["mkdir", "-p", f"{rig.state}/uploads"])
    rig.node.write(f"{rig.state}/uploads/{name}", data)
    return {"upload": name, "digest": hashlib.sha256(data).hexdigest()}


def ask(rig, vm, data: bytes) -> str:
    return rig.ask("module.install", module_id="his-standin", vm_id=vm, **upload(rig, data))


def guest(rig, vm, script: str) -> str:
    """Run a script in the guest through the agent, with the product's own driver."""
    text = (
        "import sys; from controller.drivers.kvm import KvmDriver\n"
        f"r = KvmDriver().run({vm!r}, ['/bin/sh', '-c', sys.argv[1]], timeout=60)\n"
        "sys.stdout.buffer.write(r.out + r.err)"
    )
    return rig.node.run(["/usr/lib/hbox/venv/bin/python", "-c", text, script], timeout=120).text


def nothing_left(rig, vm) -> None:
    seen = rig.dump()
    assert seen["modules"] == []
    assert seen["ledger"] == []
    assert rig.node.run(["ls", f"{rig.state}/modules/bundles"], check=False).text.split() == []
    assert "module.iso" not in rig.node.run(["ls", f"{rig.state}/volumes/{vm}"]).text
    assert "hbox-module" not in rig.node.run(["virsh", "dumpxml", vm]).text
    assert "hbox-module-his" not in guest(rig, vm, "systemctl list-units --all --plain")
    assert "his-standin" not in guest(rig, vm, "ls -R /opt/hbox /etc/hbox /etc/systemd/system")


def test_the_guest_is_what_was_asked_for(rig, vm):
    said = guest(rig, vm, "hostname; ip -4 -br addr; ip route; ls /dev/disk/by-id")
    assert "carrier" in said
    assert "10.66.0.10/24" in said
    assert "default" not in said, "a guest has no way out of its zone"


def test_a_bundle_that_was_altered_is_refused(rig, vm, bundle):
    data = bytearray(bundle[0].read_bytes())
    data[len(data) // 2] ^= 1
    ask(rig, vm, bytes(data))
    job = rig.work()["jobs"][-1]
    assert job["state"] == "failed"
    assert job["error"]["code"].startswith("module.")
    nothing_left(rig, vm)


def test_installing_that_fails_is_undone_through_every_death(rig, vm, bundle):
    guest(rig, vm, f"mkdir -p /opt/hbox && touch {PLANTED}")
    try:
        ask(rig, vm, bundle[0].read_bytes())
        for step, phase in sample(BACK, 4, "module back"):
            rig.die_at(step, f"undo-{phase}")
        rig.work()
    finally:
        guest(rig, vm, f"rm -f {PLANTED}")
    job = rig.dump()["jobs"][-1]
    assert (job["state"], job["error"]["code"]) == ("failed", "module.guest_failed")
    nothing_left(rig, vm)


def test_installing_is_finished_through_every_death(rig, vm, bundle):
    job_id = ask(rig, vm, bundle[0].read_bytes())
    for step, phase in sample(FORWARD, 7, "module"):
        rig.die_at(step, phase)
    seen = rig.work()
    assert rig.job(job_id)["state"] == "succeeded", rig.job(job_id)["error"]
    assert seen["ledger"] == []
    (row,) = seen["modules"]
    assert (row["state"], row["vm_id"], row["approved_by"]) == ("running", vm, None)
    assert row["health"]["ok"] is True
    assert row["health"]["body"]["version"] == row["version"]
    assert "module.iso" not in rig.node.run(["ls", f"{rig.state}/volumes/{vm}"]).text
    assert "hbox-module" not in rig.node.run(["virsh", "dumpxml", vm]).text
    assert "active" in guest(rig, vm, "systemctl is-active hbox-module-his-standin")


def test_a_vm_with_a_module_cannot_be_deleted(rig, vm):
    done = rig("submit", "vm.delete", f'{{"vm_id": "{vm}"}}', check=False)
    assert done.code != 0
    assert b"VmInUse" in done.err


def test_the_boxs_copy_is_roots_own(rig):
    listed = rig.node.run(["sh", "-c", f"stat -c '%U %a' {rig.state}/modules/bundles/*"]).text
    assert listed.split() == ["root", "600"]
