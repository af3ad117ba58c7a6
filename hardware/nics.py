"""A node's network interfaces, by `ip` and /sys."""

import json
from typing import Any

from appliance.host import Host
from hardware.facts import Nic


def take(host: Host) -> tuple[Nic, ...]:
    """Ask for every interface but the loopback."""
    links = json.loads(host.run(["ip", "-j", "-d", "link", "show"]).text)
    return tuple(
        nic(link, _driver(host, link), _speed(host, link)) for link in links if not _lo(link)
    )


def nic(link: dict[str, Any], driver: str, speed: int | None) -> Nic:
    """Make the facts of one interface from `ip`'s JSON; `kind` is physical where `ip` names none."""
    kind = link.get("linkinfo", {}).get("info_kind", "")
    return Nic(
        name=link["ifname"],
        kind=kind or ("physical" if driver else "unknown"),
        mac=link.get("address", ""),
        state=link.get("operstate", "UNKNOWN").lower(),
        mtu=link["mtu"],
        driver=driver,
        speed=speed,
        master=link.get("master", ""),
    )


def _lo(link: dict[str, Any]) -> bool:
    return link.get("link_type") == "loopback"


def _driver(host: Host, link: dict[str, Any]) -> str:
    # Only a link to a device has a driver; readlink ends with 1 for all others.
    place = f"/sys/class/net/{link['ifname']}/device/driver"
    return (
        host.run(["readlink", "-f", place], check=False)
        .text.strip()
        .rsplit("/", 1)[-1]
        .removeprefix("driver")
    )


def _speed(host: Host, link: dict[str, Any]) -> int | None:
    try:
        speed = int(host.read(f"/sys/class/net/{link['ifname']}/speed"))
    except (OSError, ValueError):
        return None  # a link that is down or virtual has no speed to read
    return speed if speed > 0 else None
