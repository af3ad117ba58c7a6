"""Takes a node's inventory by asking the node; changes nothing on it but one temporary file."""

import json

from appliance.clock import iso
from appliance.host import Host
from hardware import acceleration, disks, nics
from hardware.facts import Cpu, Inventory, Memory

LAB = "/etc/hbox/lab.json"


def take(host: Host) -> Inventory:
    """Return the facts of `host`; raises `CommandFailed` or `Unavailable` when it cannot be asked."""
    lab = is_lab(host)
    return Inventory(
        name=host.run(["uname", "-n"]).text.strip(),
        at=iso(),
        lab=lab,
        kernel=host.run(["uname", "-r"]).text.strip(),
        os=os_name(host.read("/etc/os-release").decode()),
        cpu=cpu(host.read("/proc/cpuinfo").decode("utf-8", "replace")),
        memory=memory(host.read("/proc/meminfo").decode()),
        nics=nics.take(host),
        disks=disks.take(host, lab=lab),
        virtualisation=acceleration.probe(host),
    )


def is_lab(host: Host) -> bool:
    """Whether the node says it is a lab node; there every disk seen is the developer's own."""
    try:
        return bool(json.loads(host.read(LAB)).get("lab"))
    except FileNotFoundError:
        return False


def os_name(text: str) -> str:
    """Read PRETTY_NAME from /etc/os-release."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip('"')
    return ""


def cpu(text: str) -> Cpu:
    """Read /proc/cpuinfo."""
    first: dict[str, str] = {}
    cores = 0
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        first.setdefault(key, value)
        cores += key == "processor"
    return Cpu(first.get("model name", ""), cores, tuple(sorted(first.get("flags", "").split())))


def memory(text: str) -> Memory:
    """Read /proc/meminfo."""
    sizes = {
        line.split(":")[0]: int(line.split()[1]) // 1024
        for line in text.splitlines()
        if ":" in line
    }
    return Memory(sizes["MemTotal"], sizes.get("SwapTotal", 0))
