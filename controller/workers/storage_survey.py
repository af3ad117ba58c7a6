"""Looks at a disk before it is given to the storage: whole, empty, nobody else's, large enough."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.errors import Refused, Text
from appliance.host import Host
from hardware.inventory import is_lab

FILE_MIB = 6144  # a lab's file that stands for a disk
_LEAST_MIB = 10240
_COLUMNS = "PATH,TYPE,SIZE,SERIAL,RO,MOUNTPOINTS,FSTYPE,PTTYPE"


class DiskRefused(Refused):
    """The disk is not given to the storage; what is on it stays."""

    code = "storage.disk_refused"
    text = Text("不使用磁盘 {disk}：{why}", "The disk {disk} is not used: {why}")
    hint = Text(
        "请确认磁盘属于本机且无数据；如确需使用，请先自行清空（wipefs）。",
        "Make sure that it is this machine's own and holds no data; if you do want it, wipe it first.",
    )


@dataclass(frozen=True)
class Surveyed:
    """A disk that may be used. `stable` is its path that stays over a restart, `file` a lab's file."""

    stable: str
    serial: str
    size_mib: int
    file: bool


def survey(host: Host, path: str) -> Surveyed:
    """Examine `path` on the node; change nothing. Raises `DiskRefused`."""
    if not path.startswith("/dev/"):
        return _survey_file(host, path)
    if is_lab(host):
        raise DiskRefused(disk=path, why="实验环境中可见的磁盘属于宿主机 it is the lab host's")
    asked = host.run(["lsblk", "-J", "-b", "-o", _COLUMNS, path], check=False)
    if asked.code != 0:
        raise DiskRefused(disk=path, why="没有这个设备 there is no such device")
    found = json.loads(asked.text)["blockdevices"][0]
    if why := objection(found):
        raise DiskRefused(disk=path, why=why)
    probed = host.run(["blkid", "-p", path], check=False)
    if probed.text.strip():
        raise DiskRefused(disk=path, why=probed.text.strip()[:300])
    size = int(found["size"]) // 2**20
    return Surveyed(place(host, path)[0], (found.get("serial") or "").strip(), size, file=False)


def bears(host: Host, path: str, identity: str) -> bool:
    """Whether `path` still holds the store of that very disk of ours: a node set up anew with its old disks."""
    asked = host.run(["ceph-bluestore-tool", "show-label", "--dev", path], check=False)
    try:
        labels = json.loads(asked.out or b"{}")
    except ValueError:
        return False
    return any(one.get("osd_uuid") == identity for one in labels.values())


def wipe_head(host: Host, path: str) -> None:
    """Take a disk's label away (of a lab's file: the file); its data area is not overwritten."""
    if path.startswith("/dev/"):
        words = ["if=/dev/zero", f"of={path}", "bs=1M", "count=16", "conv=fsync", "status=none"]
        host.run(["dd", *words])
    else:
        host.run(["rm", "-f", "--", path])


def place(host: Host, path: str) -> tuple[str, int]:
    """Return the path that stays over a restart, and the MiB of a lab's file (0: a device)."""
    if not path.startswith("/dev/"):
        return path, FILE_MIB
    links = host.run(["udevadm", "info", "--query=symlink", path], check=False).text.split()
    return stable(path, links), 0


def objection(found: Mapping[str, Any]) -> str:
    """Return why a device of `lsblk`'s list is not used, "" if nothing speaks against it."""
    mounted = [point for point in found.get("mountpoints") or () if point]
    reasons = {
        "不是整块磁盘 not a whole disk": found["type"] != "disk",
        "只读 read-only": bool(found["ro"]),
        "已有分区 it has partitions": bool(found.get("children") or found.get("pttype")),
        f"已挂载 mounted at {', '.join(mounted)}": bool(mounted),
        f"已有数据 it holds {found.get('fstype')}": bool(found.get("fstype")),
        f"小于 smaller than {_LEAST_MIB} MiB": int(found["size"]) < _LEAST_MIB * 2**20,
    }
    return next((why for why, true in reasons.items() if true), "")


def stable(path: str, links: list[str]) -> str:
    """Return the name of a device that does not change with the order of discovery."""
    by_id = [link for link in links if link.startswith("disk/by-id/")]
    kinds = ("wwn-", "nvme-eui", "nvme-", "ata-", "scsi-", "virtio-")
    for kind in kinds:
        for link in sorted(by_id):
            if link.startswith(f"disk/by-id/{kind}"):
                return f"/dev/{link}"
    return path


def _survey_file(host: Host, path: str) -> Surveyed:
    if not is_lab(host):
        raise DiskRefused(disk=path, why="文件仅用于实验环境 files are for a lab only")
    asked = host.run(["stat", "-c", "%b %s", path], check=False)
    if asked.code == 0:
        blocks, size = (int(word) for word in asked.text.split())
        if blocks:
            raise DiskRefused(disk=path, why="文件已有数据 the file holds data")
        if size < FILE_MIB * 2**20:
            raise DiskRefused(disk=path, why=f"小于 smaller than {FILE_MIB} MiB")
        return Surveyed(path, "", size // 2**20, file=True)
    return Surveyed(path, "", FILE_MIB, file=True)
