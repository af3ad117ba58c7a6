"""Processors and memory of VMs under libvirt: the definition always, the running VM as far as it goes.

Memory grows by memory modules (DIMMs), under KVM and TCG alike: a guest can never use more than it was
given. A balloon would hand it the most it may ever have at boot and trust its driver to give the rest
back. The price: memory shrinks at the next start only.
"""

import contextlib
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

from appliance.errors import BoxError
from controller.drivers import guest
from controller.drivers.base import Seen
from controller.drivers.domain_xml import DIMM_SLOTS, DIMM_STEP, dimm_xml
from controller.drivers.kvm_link import LibvirtLink, connection_lost, library
from controller.drivers.kvm_seen import parsed


def resize(link: LibvirtLink, vm_id: str, vcpus: int, memory_mib: int) -> bool:
    """Change the definition, then the running VM; whether that has it all now."""

    def work(domain: Any) -> bool:
        known = library()
        text = domain.XMLDesc(known.VIR_DOMAIN_XML_INACTIVE | known.VIR_DOMAIN_XML_SECURE)
        domain.connect().defineXML(sized(text, vcpus, memory_mib))
        if not domain.isActive():
            return True
        live = parsed(domain.XMLDesc(0))
        with _what_cannot_be_is_for_the_next_start():
            if live.vcpus != vcpus:
                domain.setVcpusFlags(vcpus, known.VIR_DOMAIN_AFFECT_LIVE)
        if grows(live, memory_mib):
            with _what_cannot_be_is_for_the_next_start():
                module = dimm_xml(memory_mib - live.memory_mib)
                domain.attachDeviceFlags(module, known.VIR_DOMAIN_AFFECT_LIVE)
        live = parsed(domain.XMLDesc(0))
        return (live.vcpus, live.memory_mib) == (vcpus, memory_mib)

    return link.domain("resize", vm_id, work)


def take_up(ask: guest.Ask) -> None:
    """Have the guest use what was plugged in; one without an agent may do so by itself."""
    with contextlib.suppress(BoxError):
        guest.use_processors(ask)
        guest.use_memory(ask)


def grows(live: Seen, memory_mib: int) -> bool:
    """Whether a memory module can make up the difference."""
    more = memory_mib - live.memory_mib
    return more > 0 and more % DIMM_STEP == 0


def sized(text: str, vcpus: int, memory_mib: int) -> str:
    """Return a definition with other processors and memory; its limits grow if they must."""
    domain = fromstring(text)  # noqa: S314 - libvirt's own output of this node, not foreign input
    processors = _child(domain, "vcpu")
    most = max(vcpus, int(processors.text or 0))
    processors.text = str(most)
    processors.set("current", str(vcpus))
    wish = str(memory_mib * 1024)
    for tag in ("memory", "currentMemory"):
        _child(domain, tag).text = wish
        _child(domain, tag).set("unit", "KiB")
    cell = domain.find("cpu/numa/cell")
    if cell is not None:
        cell.set("memory", wish)
        cell.set("unit", "KiB")
        cell.set("cpus", f"0-{most - 1}" if most > 1 else "0")
    _limit(domain, memory_mib * 1024)
    return tostring(domain, encoding="unicode")


def _limit(domain: Element, kib: int) -> None:
    limit = domain.find("maxMemory")
    if limit is not None and int(limit.text or 0) <= kib:
        limit.text = str(kib + DIMM_STEP * 1024)
        limit.set("slots", str(DIMM_SLOTS))


def _child(domain: Element, tag: str) -> Element:
    found = domain.find(tag)
    if found is None:
        found = Element(tag)
        domain.append(found)
    return found


@contextlib.contextmanager
def _what_cannot_be_is_for_the_next_start():  # type: ignore[no-untyped-def] # noqa: ANN202
    known = library()
    try:
        yield
    except known.libvirtError as error:
        if connection_lost(error):
            raise
