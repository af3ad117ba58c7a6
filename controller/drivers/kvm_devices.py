"""Disks and network interfaces of VMs under libvirt: in the definition, in the running VM, or both."""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

from appliance import clock
from controller.drivers.base import Disk, EngineFailed, Link, NotRunning, Power
from controller.drivers.domain_xml import disk_xml, link_xml, target_name
from controller.drivers.kvm_link import LibvirtLink, library, until
from controller.drivers.kvm_power import state

_UNPLUG = 90.0  # seconds a translated (TCG) guest may take to let a device go
_ASK_AGAIN = 15.0  # an unplug request that a booting guest missed is repeated after this
_MOST_DISKS = 26

Which = Callable[[Element], bool]
"""Says whether an element is the one that is meant."""


def attach(link: LibvirtLink, vm_id: str, disk: Disk, *, keep: bool) -> None:
    """Plug a disk in where it is missing: into the running VM, and with `keep` into the definition."""

    def work(domain: Any) -> None:
        if not keep and not domain.isActive():
            raise NotRunning(name=vm_id)
        flags = _missing_on(domain, "disk", _serial(disk.serial), keep=keep)
        if flags:
            domain.attachDeviceFlags(disk_xml(disk, _free_target(domain)), flags)

    link.domain("attach a disk", vm_id, work)


def detach(link: LibvirtLink, vm_id: str, serial: str) -> None:
    """Take a disk out of the definition and the running VM; wait until the guest let go."""
    _remove(link, vm_id, "disk", _serial(serial), serial)


def plug(link: LibvirtLink, vm_id: str, wanted: Link) -> None:
    """Add a network interface to the definition and the running VM."""

    def work(domain: Any) -> None:
        flags = _missing_on(domain, "interface", _mac(wanted.mac), keep=True)
        if flags:
            domain.attachDeviceFlags(link_xml(wanted), flags)

    link.domain("plug an interface", vm_id, work)


def unplug(link: LibvirtLink, vm_id: str, mac: str) -> None:
    """Take an interface away."""
    _remove(link, vm_id, "interface", _mac(mac), mac)


def enlarge(link: LibvirtLink, vm_id: str, serial: str, gib: int) -> None:
    """Enlarge an open disk; it never shrinks."""

    def work(domain: Any) -> None:
        known = library()
        if not domain.isActive():
            raise NotRunning(name=vm_id)
        for element in _elements(domain, "disk", live=True):
            if _serial(serial)(element):
                target, wanted = _target(element), gib * 1024**3
                if domain.blockInfo(target)[0] < wanted:
                    domain.blockResize(target, wanted, known.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
                return
        raise EngineFailed(what="enlarge a disk", why=f"no disk {serial}")

    link.domain("enlarge a disk", vm_id, work)


def _serial(serial: str) -> Which:
    return lambda element: element.findtext("serial") == serial


def _mac(mac: str) -> Which:
    def same(element: Element) -> bool:
        found = element.find("mac")
        return found is not None and found.get("address", "").lower() == mac.lower()

    return same


def _elements(domain: Any, tag: str, *, live: bool) -> list[Element]:
    flags = 0 if live else library().VIR_DOMAIN_XML_INACTIVE
    # libvirt's own output of this node, not foreign input.
    return fromstring(domain.XMLDesc(flags)).findall(f"devices/{tag}")  # noqa: S314 - see above


def _missing_on(domain: Any, tag: str, which: Which, *, keep: bool) -> int:
    known = library()
    flags = 0
    if keep and not any(map(which, _elements(domain, tag, live=False))):
        flags |= known.VIR_DOMAIN_AFFECT_CONFIG
    if domain.isActive() and not any(map(which, _elements(domain, tag, live=True))):
        flags |= known.VIR_DOMAIN_AFFECT_LIVE
    return flags


def _free_target(domain: Any) -> str:
    both = [e for live in (False, True) for e in _elements(domain, "disk", live=live)]
    taken = {_target(element) for element in both}
    for name in map(target_name, range(_MOST_DISKS)):
        if name not in taken:
            return name
    raise EngineFailed(what="attach a disk", why=f"it has {_MOST_DISKS} disks already")


def _target(disk: Element) -> str:
    target = disk.find("target")
    return target.get("dev", "") if target is not None else ""


def _remove(link: LibvirtLink, vm_id: str, tag: str, which: Which, name: str) -> None:
    if state(link, vm_id) is Power.ABSENT:
        return
    what = f"detach {tag} {name}"
    link.domain(what, vm_id, lambda domain: _forget(domain, tag, which))

    def gone() -> bool:
        return link.domain(what, vm_id, lambda domain: not _plugged(domain, tag, which))

    deadline = clock.monotonic() + _UNPLUG
    while not gone():
        if state(link, vm_id) is Power.PAUSED:
            raise EngineFailed(what=what, why="the guest is paused and cannot let it go")
        if clock.monotonic() > deadline:
            raise EngineFailed(what=what, why="the guest keeps it")
        link.domain(what, vm_id, lambda domain: _ask_for(domain, tag, which))
        until(gone, _ASK_AGAIN)


def _forget(domain: Any, tag: str, which: Which) -> None:
    for element in filter(which, _elements(domain, tag, live=False)):
        text = tostring(element, encoding="unicode")
        domain.detachDeviceFlags(text, library().VIR_DOMAIN_AFFECT_CONFIG)


def _plugged(domain: Any, tag: str, which: Which) -> list[Element]:
    if not domain.isActive():
        return []
    return [element for element in _elements(domain, tag, live=True) if which(element)]


def _ask_for(domain: Any, tag: str, which: Which) -> None:
    for element in _plugged(domain, tag, which):
        alias = element.find("alias")
        name = alias.get("name", "") if alias is not None else ""
        domain.detachDeviceAlias(name, library().VIR_DOMAIN_AFFECT_LIVE)
