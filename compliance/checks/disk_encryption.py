"""What lies on the node's disks cannot be read when a disk is carried away."""

import json
from collections.abc import Iterator
from typing import Any

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

PLAIN = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "swap")
READ_ONLY = ("squashfs", "iso9660", "erofs")
STARTING = ("/boot", "/boot/efi")  # read by the firmware, before anybody could give a key


def judge(proofs: Answers) -> Judgement:
    """Judge `lsblk`: a file system in use, or one on a medium that can be taken out, lies on `crypt`."""
    found = list(_walk(json.loads(proofs[0].out)["blockdevices"], sealed=False, loose=False))
    if not found:
        return unknown("看不到任何文件系统", "No file system can be seen")
    faults = []
    for part, sealed, loose in found:
        used = bool(part.get("mountpoint")) and part["mountpoint"] not in STARTING
        if not sealed and (used or loose):
            where = part.get("mountpoint") or "-"
            faults.append(
                Text(f"未加密：{part['name']} {where}", f"not encrypted: {part['name']} {where}")
            )
    return weigh(
        faults, 1, Text("在用文件系统均在加密层上", "Every file system in use lies on encryption")
    )


def _walk(parts: list[Any], *, sealed: bool, loose: bool) -> Iterator[tuple[Any, bool, bool]]:
    for part in parts:
        under = sealed or part.get("type") == "crypt"
        out = loose or bool(part.get("rm"))
        mounted = part.get("mountpoint") and part.get("fstype") not in READ_ONLY
        if part.get("fstype") in PLAIN or mounted:
            yield part, under, out
        yield from _walk(part.get("children", []), sealed=under, loose=out)


CHECK = Check(
    id="disk_encryption",
    kind=Kind.HOST,
    title=Text("磁盘与可移动介质加密", "Disks and removable media are encrypted"),
    items=("8.1.4.8.b", "8.1.10.4.c"),
    questions=(command("lsblk", "-J", "-o", "NAME,TYPE,FSTYPE,MOUNTPOINT,RM"),),
    judge=judge,
    kernel_bound=True,
)
