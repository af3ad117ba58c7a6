"""A node's disks, by lsblk; those of a lab node's host are marked foreign."""

import json
from collections.abc import Iterator
from typing import Any

from appliance.host import Host
from hardware.facts import Disk

_COLUMNS = "NAME,TYPE,SIZE,MODEL,SERIAL,TRAN,ROTA,RO,MOUNTPOINTS"


def take(host: Host, *, lab: bool) -> tuple[Disk, ...]:
    """Ask `lsblk` for whole disks of a size; in a lab all of them are the host's, thus foreign."""
    return parse(host.run(["lsblk", "-J", "-b", "-o", _COLUMNS]).text, lab=lab)


def parse(text: str, *, lab: bool) -> tuple[Disk, ...]:
    """Read the JSON of `lsblk`; empty devices (an unused zram, a card reader) are left out."""
    found = json.loads(text)["blockdevices"]
    return tuple(_disk(one, lab=lab) for one in found if one["type"] == "disk" and int(one["size"]))


def _disk(raw: dict[str, Any], *, lab: bool) -> Disk:
    return Disk(
        name=raw["name"],
        size_mib=int(raw["size"]) // 2**20,
        model=(raw.get("model") or "").strip(),
        serial=(raw.get("serial") or "").strip(),
        transport=raw.get("tran") or "",
        rotational=bool(raw["rota"]),
        read_only=bool(raw["ro"]),
        mountpoints=tuple(sorted(set(_mountpoints(raw)))),
        foreign=lab,
    )


def _mountpoints(raw: dict[str, Any]) -> Iterator[str]:
    """Give the mount points of a disk and of its partitions, whatever lies between."""
    yield from (point for point in raw.get("mountpoints") or () if point)
    for child in raw.get("children", ()):
        yield from _mountpoints(child)
