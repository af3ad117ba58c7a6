"""Runs inside a lab node: live migration of a tiny guest on Ceph, as the driver does it.

Usage: moves.py AWAY_ADDRESS HOME_ADDRESS SECRET conform | begin | await | back | cancel | lose
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from controller.drivers.base import Boot, Disk, Link, Target, VmSpec
from controller.drivers.kvm import KvmDriver
from controller.drivers.storage import RbdSource
from controller.drivers.suite import conform
from controller.drivers.suite_bench import Bench, Elsewhere
from controller.drivers.suite_moving import MOVING

AWAY, HOME, SECRET, VERB = sys.argv[1:]
VM = "6f1c1b1e-0000-4000-8000-00000000c0df"
BASE = Path("/usr/share/hbox/images/guest-base")
SPEC = VmSpec(
    VM,
    "mover",
    1,
    256,
    (Disk(RbdSource("hbox", "mover.system", (f"{HOME}:3300",), "hbox", SECRET), "system"),),
    (Link("br-int", "52:54:00:00:c0:d1", "hmmover"),),
    Boot(BASE / "vmlinuz", BASE / "initrd.img", "console=ttyS0 rdinit=/bin/sh"),
    Path("/var/lib/hbox-moves/console.log"),
)
HERE, THERE = KvmDriver(), KvmDriver(f"qemu+tls://{AWAY}/system")
TO, FRO = (Target("there", f"qemu+tls://{a}/system", a) for a in (AWAY, HOME))


def say_to(driver: KvmDriver, words: str, answer: str) -> None:
    """Type at the guest's shell until it answers."""
    line, said, end = driver.serial(VM), b"", time.monotonic() + 240
    line.write(f"{words}\r".encode())
    while answer.encode() not in said:
        assert time.monotonic() < end, said[-500:]
        said += line.read()
    line.close()


def ready(driver: KvmDriver, _vm: str) -> None:
    say_to(driver, "echo up $((40+2))", "up 42")


def speed(mib: int, uri: str = "qemu:///system") -> None:
    subprocess.run(["virsh", "-c", uri, "migrate-setspeed", VM, str(mib)], check=True)


def begin() -> dict:
    """Start the guest, let it write without end, begin to move it slowly, and die with it under way."""
    HERE.define(SPEC)
    HERE.start(VM)
    ready(HERE, VM)
    say_to(HERE, "modprobe virtio_blk; mount -t devtmpfs d /dev; echo mod $((40+2))", "mod 42")
    writes = "i=0; while dd if=/dev/vda of=/dev/vda bs=64k count=4; do i=$((i+1)); echo w$i; done"
    say_to(HERE, f"({writes}) 2>/dev/null >/log & echo writing $((40+2))", "writing 42")
    speed(4)

    def die(part: float) -> None:
        if part > 0:
            sys.stdout.write(json.dumps({"part": part}))
            sys.stdout.flush()
            os._exit(0)

    HERE.migrate(VM, TO, die)
    raise AssertionError("it was over before anybody could die")


def wait() -> dict:
    """Another process asks for the same move: it finds the one under way, and waits."""
    parts: list[float] = []
    speed(0)
    return told(HERE.migrate(VM, TO, parts.append), first=parts[0])


def back() -> dict:
    return told(THERE.migrate(VM, FRO, lambda part: None))


def cancel() -> dict:
    speed(2)
    failed: list[str] = []

    def go() -> None:
        try:
            HERE.migrate(VM, TO, lambda part: None)
        except Exception as error:  # noqa: BLE001 - any is told
            failed.append(type(error).__name__)

    thread = threading.Thread(target=go)
    thread.start()
    time.sleep(5)
    HERE.cancel_migration(VM)
    thread.join(60)
    return told(None, failed=failed)


def lose() -> dict:
    """Libvirtd is killed while the VM travels: the driver tries again by itself."""
    speed(2)
    moved: list[object] = []
    thread = threading.Thread(target=lambda: moved.append(HERE.migrate(VM, TO, lambda part: None)))
    thread.start()
    time.sleep(5)
    subprocess.run(["systemctl", "kill", "--signal=KILL", "libvirtd.service"], check=True)
    time.sleep(3)
    subprocess.run(["virsh", "migrate-setspeed", VM, "0"], check=False)
    thread.join(200)
    ready(THERE, VM)
    say_to(THERE, "cat /log > /dev/null && echo alive $((40+2))", "alive 42")
    return told(moved[0])


def told(moved: object, **more: object) -> dict:
    facts = dict(vars(moved)) if moved is not None else {}
    return {**facts, **more, "here": str(HERE.state(VM)), "there": str(THERE.state(VM))}


def conformance() -> dict:
    bench = Bench(HERE, SPEC, ready=ready, elsewhere=Elsewhere(THERE, TO, FRO))
    return {"kept": conform(bench, MOVING)}


VERBS = {
    "conform": conformance,
    "begin": begin,
    "await": wait,
    "back": back,
    "cancel": cancel,
    "lose": lose,
}
os.umask(0o022)
SPEC.console.parent.mkdir(exist_ok=True)
sys.stdout.write(json.dumps(VERBS[VERB]()) + "\n")
