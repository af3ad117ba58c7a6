"""Invented facts for the seeded hospital: a node's hardware, traffic, and what an inspection saw."""

import datetime as dt

from appliance import clock
from compliance.checks import CHECKS
from compliance.evidence import Answer, Evidence, Status
from compliance.model import Judgement, Outcome, Text, Verdict
from compliance.run import Order
from hardware.facts import (
    Accelerator,
    Attempt,
    Cpu,
    Disk,
    Inventory,
    Memory,
    Nic,
    Virtualisation,
)

NODE = "node1"


def ago(**parts: float) -> str:
    """An instant that long ago, as the records keep it."""
    return clock.iso(clock.now() - dt.timedelta(**parts))


def inventory() -> Inventory:
    """Invented facts of a small server."""
    disk = Disk(
        "sda", 457_862, "SAMPLE SSD 480", "S0000000001", "sata", False, False, ("/",), False
    )
    old = Disk("sdb", 1_907_729, "SAMPLE HDD 2T", "S0000000002", "sata", True, False, (), True)
    return Inventory(
        name=NODE,
        at=ago(hours=20),
        lab=True,
        kernel="6.12.41+deb13-amd64",
        os="Debian GNU/Linux 13 (trixie)",
        cpu=Cpu("Sample CPU 2.6 GHz", 8, ("sse4_2", "vmx")),
        memory=Memory(32_000, 2_048),
        nics=(
            Nic("host0", "ether", "52:54:00:00:00:01", "up", 1500, "virtio_net", 1000, ""),
            Nic("int0", "ether", "52:54:00:00:00:02", "up", 1500, "virtio_net", 1000, "br-int"),
            Nic("ext0", "ether", "52:54:00:00:00:03", "up", 1500, "virtio_net", None, "br-ext"),
        ),
        disks=(disk, old),
        virtualisation=Virtualisation(
            Accelerator.TCG,
            False,
            "/usr/share/hbox/images/guest-base/vmlinuz",
            (
                Attempt(Accelerator.KVM, False, "the kernel hung for 10 s", 10.02),
                Attempt(Accelerator.TCG, True, "the kernel booted", 2.31),
            ),
        ),
    )


def outcomes() -> list[Outcome]:
    verdicts = (Verdict.CONFORM, Verdict.CONFORM, Verdict.CONFORM, Verdict.PARTIAL, Verdict.UNKNOWN)
    found = []
    for number, check in enumerate(CHECKS):
        verdict = Verdict.VIOLATED if number in (4, 11) else verdicts[number % len(verdicts)]
        subject = next(s for s in Order("", NODE).subjects if s.kind is check.kind)
        answer = Answer("PermitRootLogin no\nMaxAuthTries 4\n(invented)\n", Status.ANSWERED)
        proof = Evidence.of(f"sample question {number}", answer, at=ago(minutes=40), where=NODE)
        reason = {
            Verdict.CONFORM: Text("均符合要求", "All as required"),
            Verdict.PARTIAL: Text("部分设置缺失", "Some settings are missing"),
            Verdict.UNKNOWN: Text("容器内无法判定内核设置", "A container cannot tell the kernel's"),
            Verdict.VIOLATED: Text("未配置所要求的设置", "The required setting is absent"),
        }[verdict]
        found.append(Outcome(check, subject, Judgement(verdict, reason), (proof,), 0.1))
    return found
