"""Run on a box as root: what belongs to its kernel, broken one way at a time, and what the checks then say."""

import json
import os
import sys
from dataclasses import dataclass

import playbooks
from appliance.clock import monotonic
from appliance.errors import BoxError
from appliance.host import LocalHost
from compliance import catalogue, engine, findings
from compliance.asking import Asker
from compliance.checks import CHECKS
from compliance.run import Order
from compliance.where import node_name

ASKED = [
    check for check in CHECKS if check.kernel_bound or check.id in ("usb_storage", "forwarding")
]
PROFILE = "/etc/apparmor.d/usr.sbin.chronyd"
DOMAIN = """<domain type='qemu'><name>kernel-talk</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"""
CREATE = f"virsh -q create --paused /dev/stdin <<'END'\n{DOMAIN}\nEND"
PLAY = [
    "/usr/lib/hbox/venv/bin/ansible-playbook", "-i", "localhost,", "-c", "local",
    "-e", "ansible_python_interpreter=/usr/bin/python3", "--tags", "{tags}", str(playbooks.ROOT / "node.yml"),
]  # fmt: skip


@dataclass(frozen=True)
class Breach:
    """One way to break the kernel's part: by `how`, mended by `mend`; `check` must fall, and `item` with it.

    `also` are other checks that see the same fact. `ready` is made first and is part of the conforming box.
    `role` is the tag of the roles that mends it as well, "" where there is none.
    """

    id: str
    check: str
    item: str
    how: str
    mend: str
    also: tuple[str, ...] = ()
    ready: str = ""
    role: str = ""


def switch(name: str, value: str, also: tuple[str, ...] = ()) -> Breach:
    """A kernel switch of the baseline set otherwise; mended by what every start does."""
    mend = "sysctl --quiet --system"
    how = f"sysctl -q -w {name}={value}"
    return Breach(
        f"{name}={value}", "kernel_switches", "8.1.10.6.d", how, mend, also, role="kernel_switches"
    )


BREACHES = (
    switch("net.ipv4.ip_forward", "1", also=("forwarding",)),
    switch("net.ipv4.conf.all.rp_filter", "0"),
    switch("net.ipv4.conf.all.accept_redirects", "1"),
    switch("net.ipv4.conf.all.send_redirects", "1"),
    switch("net.ipv4.conf.host0.accept_redirects", "1"),
    switch("net.ipv4.conf.host0.send_redirects", "1"),
    switch("net.ipv6.conf.host0.accept_redirects", "1"),
    switch("kernel.dmesg_restrict", "0"),
    switch("kernel.kptr_restrict", "0"),
    switch("kernel.randomize_va_space", "0"),
    Breach(
        "suid_dumpable", "core_dumps", "8.1.4.10.a",
        "sysctl -q -w fs.suid_dumpable=2", "sysctl --quiet --system", role="core_dumps",
    ),
    Breach(
        "core_pattern", "core_dumps", "8.1.4.10.a",
        "echo '|/var/tmp/keep %P' > /proc/sys/kernel/core_pattern",
        "echo core > /proc/sys/kernel/core_pattern", role="core_dumps",
    ),
    Breach(
        "auditd_killed", "auditd", "8.1.4.3.a",
        "kill -TERM $(pidof auditd); while pidof -q auditd; do sleep 0.1; done",
        "systemctl start auditd.service", role="auditd",
    ),
    Breach(
        "profile_complains", "apparmor", "8.1.4.2.g",
        f"apparmor_parser --complain --replace --skip-cache {PROFILE}",
        f"apparmor_parser --replace --skip-cache {PROFILE}",
    ),
    Breach(
        "process_outside", "apparmor", "8.1.4.2.g",
        f"apparmor_parser --remove {PROFILE}; apparmor_parser --add {PROFILE}",
        "systemctl restart chrony.service",
    ),
    Breach(
        "usb_driver", "usb_storage", "8.1.10.7.a",
        "modprobe --ignore-install usb-storage", "modprobe --remove usb-storage", role="usb_storage",
    ),
    Breach(
        "vm_unconfined", "vm_confinement", "8.2.4.3.a",
        "apparmor_parser --remove /etc/apparmor.d/libvirt/libvirt-$(virsh domuuid kernel-talk)",
        "virsh -q destroy kernel-talk", ready=CREATE,
    ),
    Breach(
        "memory_full", "load", "8.1.2.1.a",
        "systemd-run -q --collect --unit=kernel-talk python3 -c "
        "'import time; held = bytearray(1000 << 20); time.sleep(300)'; "
        "while [ $(awk '/MemAvailable/ {print $2}' /proc/meminfo) -gt 560000 ]; do sleep 0.3; done",
        "systemctl stop kernel-talk.service",
    ),
)  # fmt: skip
LOCKED = {
    "rules_away": "auditctl -D",
    "audit_off": "auditctl -e 0",
    "rule_added": "auditctl -a never,task",
}
"""What the kernel refuses once its audit rules are locked."""


Look = tuple[dict[str, tuple[str, str]], dict[str, str]]


def look() -> Look:
    """Return each asked check's verdict and reason, and by item what the checks alone decide of it."""
    host, box = LocalHost(), catalogue.load()
    order = Order("", node_name())
    asks = Asker(host, order.node)
    outcomes = engine.inspect(lambda _: asks, ASKED, order.subjects, lambda _: None)
    told = {one.check.id: (str(one.verdict), one.judgement.reason.en) for one in outcomes}
    items = {}
    for one in findings.findings(box, order.subjects, outcomes):
        if one.outcomes:
            items[f"{one.item} {one.subject.kind}"] = str(one.machine)
    return told, items


def shell(script: str, *, check: bool = True) -> int:
    """Run a script as root."""
    return LocalHost().run(["sh", "-euc", script], timeout=400, check=check).code


def moved(before: dict[str, tuple[str, str]], during: dict[str, tuple[str, str]]) -> list[str]:
    """Return the checks whose verdict is another, or whose reason for a fault is.

    Not those without an answer before or after: an emulated box may have no time for one.
    """
    return sorted(
        name
        for name, was in before.items()
        if was != during[name]
        and {was[0], during[name][0]} != {"conform"}
        and "unknown" not in (was[0], during[name][0])
    )


def try_one(breach: Breach, before: Look) -> tuple[dict[str, object], Look]:
    """Break, look, mend, look again; the second look is the next breach's first."""
    if breach.ready:
        shell(breach.ready)
        before = look()
    shell(breach.how)
    try:
        during = look()
    finally:
        shell(breach.mend)
    after = look()
    told = {
        "before": before[0][breach.check],
        "during": during[0][breach.check],
        "after": after[0][breach.check],
        "moved": moved(before[0], during[0]),
        "items": sorted(name for name in before[1] if before[1][name] != during[1][name]),
    }
    return told, after


def by_role() -> dict[str, object]:
    """Break all that a role mends, run the roles by their tags; look before and after."""
    broken = [one for one in BREACHES if one.role]
    for one in broken:
        shell(one.how)
    during, _ = look()
    tags = ",".join(sorted({one.role for one in broken}))
    argv = [part.format(tags=tags) for part in PLAY]
    said = LocalHost().run(argv, timeout=900, check=False).text
    after, _ = look()
    checks = sorted({one.check for one in broken})
    return {
        "during": {name: during[name] for name in checks},
        "after": {name: after[name] for name in checks},
        "recap": said.strip().splitlines()[-1],
    }


def main(names: list[str]) -> None:
    """Try the named ones, then what locked audit rules refuse; with `roles` among the names, the roles too."""
    began, told, last = monotonic(), {}, look()
    for breach in (one for one in BREACHES if one.id in names):
        try:
            told[breach.id], last = try_one(breach, last)
        except BoxError as error:  # one that could not be tried does not take the others with it
            told[breach.id], last = {"error": str(error)}, look()
        sys.stderr.write(f"{breach.id} {monotonic() - began:.0f} s\n")
    seen: dict[str, object] = {"breaches": told}
    seen["refused"] = {name: shell(how, check=False) != 0 for name, how in LOCKED.items()}
    if "roles" in names:
        seen["roles"] = by_role()
    seen["seconds"] = round(monotonic() - began)
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    os.umask(0o077)
    main(sys.argv[1:])
