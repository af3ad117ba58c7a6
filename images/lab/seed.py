"""What one lab node has in its files beyond what the hospital's box has, as pure text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from images.lab.names import Names


@dataclass(frozen=True)
class Identity:
    """What makes a node itself. `machine` is 32 hex digits, `uuid` libvirt's host_uuid."""

    machine: str
    uuid: str
    public_key: str


def files(
    names: Names, number: int, me: Identity, disks: Iterable[str]
) -> Mapping[str, tuple[str, int]]:
    """Return path -> (text, mode). `disks` are this machine's block devices, foreign to the node."""
    hostname = names.hostname(number)
    lab = {"lab": True, "name": names.lab, "node": number, "foreign_disks": sorted(disks)}
    return {
        "/etc/machine-id": (f"{me.machine}\n", 0o444),
        "/etc/hostname": (f"{hostname}\n", 0o644),
        "/etc/hosts": (f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {hostname}\n", 0o644),
        "/root/.ssh/authorized_keys": (f"{me.public_key}\n", 0o600),
        "/etc/hbox/lab.json": (json.dumps(lab) + "\n", 0o644),
        "/etc/systemd/network/10-host0.network": (_network(names.address(number)), 0o644),
        # QEMU daemons of several nodes share one kernel: their VM cgroups would clash, and the
        # kernel of a lab host may know no AppArmor.
        "/etc/libvirt/qemu.conf": ('cgroup_controllers = []\nsecurity_driver = "none"\n', 0o644),
        "/etc/libvirt/libvirtd.conf": (f'host_uuid = "{me.uuid}"\n', 0o644),
        # The clock is the lab host's: chronyd may look at it, never set it.
        "/etc/default/chrony": ('DAEMON_OPTS="-x -F 1"\n', 0o644),
        "/etc/systemd/system/chrony.service.d/lab.conf": ("[Unit]\nConditionCapability=\n", 0o644),
    }


def lay(top: Path, wanted: Mapping[str, tuple[str, int]]) -> None:
    """Write the files below `top` (a node's root, not running yet)."""
    for name, (text, mode) in wanted.items():
        path = top / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(mode)
    (top / "root/.ssh").chmod(0o700)


def _network(address: str) -> str:
    return f"[Match]\nName=host0\n\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\n"
