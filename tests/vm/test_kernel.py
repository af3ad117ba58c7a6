"""What belongs to the kernel, judged on the box's own: as it comes, broken one way at a time, mended.

`HBOX_VIOLATIONS=all` tries every breach, and the roles; else a few, chosen by `HBOX_VIOLATIONS_SEED`.
"""

import json
import os
import random
import shlex
from pathlib import Path
from typing import Any

import pytest

from compliance import sandbox
from compliance.checks import CHECKS
from tests.vm.conftest import PYTHON, Box
from tests.vm.kernel_talk import BREACHES, LOCKED

pytestmark = [pytest.mark.vm, pytest.mark.timeout(2400)]

ALL = os.environ.get("HBOX_VIOLATIONS") == "all"
CHANCE = random.Random(os.environ.get("HBOX_VIOLATIONS_SEED", "1"))  # noqa: S311 - a sample, not a secret
# An emulated box that has just started is often busy as it comes: how busy it is says nothing here.
STILL = [one for one in BREACHES if one.check != "load"]
CHOSEN = BREACHES if ALL else CHANCE.sample(STILL, 3)
ROLES = ["roles"] if ALL else []

# What a box as it comes is judged, started from an emulator: without Secure Boot, a TPM, an encrypted disk,
# a sensor, and a machine that runs.
FRESH = {
    "apparmor": "conform",
    "audit_locked": "conform",
    "auditd": "conform",
    "boot_trust": "violated",
    "boundary_trust": "violated",
    "core_dumps": "conform",
    "disk_encryption": "violated",
    "kernel_switches": "conform",
    "temperature": "unknown",
    "vm_confinement": "unknown",
}
SAYS = {
    "auditd_killed": "auditd does not run",
    "core_pattern": "/var/tmp/keep",
    "memory_full": "of memory in use",
    "process_outside": "outside of its profile",
    "profile_complains": "complain",
    "suid_dumpable": "suid_dumpable=2",
    "usb_driver": "loaded",
    "vm_unconfined": "under no label",
}


@pytest.fixture(scope="module")
def talk(box: Box) -> dict[str, Any]:
    """What `kernel_talk` saw on the box."""
    box.wait("systemctl is-system-running | grep -qvE 'initializing|starting'", 900)
    box.put(Path(__file__).with_name("kernel_talk.py"), "/run/kernel_talk.py")
    names = shlex.join([*(one.id for one in CHOSEN), *ROLES])
    line = f"{PYTHON} /run/kernel_talk.py {names} > /run/kernel.json 2> /run/kernel.err"
    box.sh(f"systemd-run --collect --unit=kernel-talk-all sh -c '{line}; touch /run/kernel.done'")
    box.wait("test -e /run/kernel.done", 1200)
    told: dict[str, Any] = json.loads(
        box.sh("cat /run/kernel.json").text or box.sh("cat /run/kernel.err; false").text
    )
    return told


def test_every_check_of_the_kernel_has_a_verdict_of_its_own_here(box: Box) -> None:
    """The inspection as the worker starts it: in its sandbox, without root."""
    box.wait("systemctl is-active hbox-worker.service", 600)
    asked = (
        f"{shlex.join(sandbox.argv('kernel'))} 2> /run/inspection.log; touch /run/inspection.done"
    )
    box.sh(f"systemd-run --collect --unit=inspection sh -c {shlex.quote(asked)}")
    box.wait("test -e /run/inspection.done", 600)
    report = json.loads(box.sh(f"cat {sandbox.OUT}").text)
    bound = {check.id for check in CHECKS if check.kernel_bound}
    found = {one["id"]: one for one in report["checks"] if one["id"] in bound - {"load"}}
    told = {name: (one["verdict"], one["reason"]["en"]) for name, one in found.items()}
    assert {name: verdict for name, (verdict, _) in told.items()} == FRESH, told
    assert "container" not in json.dumps(told)


@pytest.mark.parametrize("breach", CHOSEN, ids=lambda one: one.id)
def test_each_breach_is_found_at_its_item_and_mended(talk: dict[str, Any], breach: Any) -> None:
    seen = talk["breaches"][breach.id]
    assert "error" not in seen, seen
    assert seen["before"][0] == "conform", seen
    assert seen["during"][0] in ("violated", "partial"), seen
    assert SAYS.get(breach.id, breach.id.partition("=")[0].split(".")[-1]) in seen["during"][1]
    assert seen["moved"] == sorted((breach.check, *breach.also))
    assert any(name.startswith(f"{breach.item} ") for name in seen["items"]), seen
    assert seen["after"][0] == ("unknown" if breach.ready else "conform"), seen


def test_the_locked_audit_refuses_to_be_changed(talk: dict[str, Any]) -> None:
    assert talk["refused"] == dict.fromkeys(LOCKED, True)


if ALL:

    def test_the_roles_mend_it_by_their_tags(talk: dict[str, Any]) -> None:
        seen = talk["roles"]
        assert {verdict for verdict, _ in seen["during"].values()} <= {"violated", "partial"}
        assert {verdict for verdict, _ in seen["after"].values()} == {"conform"}, seen
        assert "failed=0" in seen["recap"]
        assert "changed=0" not in seen["recap"]
