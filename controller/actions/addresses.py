"""Addresses the controller gives to virtual machines: free ones, taken in the wishing transaction."""

import ipaddress

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import settings
from appliance.errors import Conflict, Text
from controller.records.cluster import Nic
from controller.records.tables import Vm

FIRST, LAST = 10, 199  # below lies the gateway, from 200 on the zone's own people and systems


class ZoneFull(Conflict):
    """Every address of the zone is taken."""

    code = "zone.full"
    text = Text("{zone} 区没有空闲地址", "No free address in the zone {zone}")
    hint = Text("请删除不再使用的虚拟机。", "Delete virtual machines that are no longer used.")


def free_address(session: Session, zone: str) -> str:
    """Return the lowest IPv4 address of `zone` that no interface of a machine has; raise `ZoneFull`."""
    box = settings.load()
    subnet = box.intranet_subnet if zone == "intranet" else box.extranet_subnet
    taken = set(session.scalars(select(Vm.address).where(Vm.zone == zone)))
    taken |= set(session.scalars(select(Nic.address).where(Nic.zone == zone)))
    for address in of_machines(subnet):
        if address not in taken:
            return address
    raise ZoneFull(zone=zone)


def of_machines(subnet: str) -> tuple[str, ...]:
    """Return every address of `subnet` that a virtual machine may have, lowest first."""
    base = ipaddress.IPv4Network(subnet).network_address
    return tuple(str(base + offset) for offset in range(FIRST, LAST + 1))
