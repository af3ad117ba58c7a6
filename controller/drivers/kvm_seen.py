"""How libvirt says a VM is defined, and what its VMs use: read from its own XML and figures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from controller.drivers.base import NoSuchVm, Power, Seen, Stats
from controller.drivers.domain_xml import AGENT_CHANNEL
from controller.drivers.kvm_link import LibvirtLink, library
from controller.drivers.kvm_power import power_of

# What every VM of ours has, or libvirt adds by itself.
_OWN = {
    "emulator": {""},
    "controller": {"usb", "pci", "virtio-serial", "sata"},
    "console": {"pty"},
    "serial": {"pty"},
    "input": {"tablet", "mouse", "keyboard"},
    "audio": {"none"},
    "watchdog": {"itco"},
    "rng": {"virtio"},
    "memballoon": {"virtio"},
    "memory": {"dimm"},
    "video": {"vga"},
}
_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_KIB_PER = {"b": 1 / 1024, "bytes": 1 / 1024, "KiB": 1, "MiB": 1024, "GiB": 1024**2}


def seen(link: LibvirtLink, vm_id: str) -> Seen | None:
    """Read the definition and, if it runs, what runs."""

    def work(domain: Any) -> Seen:
        known = library()
        defined = parsed(domain.XMLDesc(known.VIR_DOMAIN_XML_INACTIVE))
        if not domain.isActive():
            return defined
        number, reason = domain.state()
        paused = power_of(number) is Power.PAUSED
        why = _reason(reason) if paused else ""
        return replace(defined, live=parsed(domain.XMLDesc(0)), paused=why)

    try:
        return link.domain("look at", vm_id, work)
    except NoSuchVm:
        return None


def stats(link: LibvirtLink) -> Mapping[str, Stats]:
    """Ask for all running VMs in one call; one that is busy with a long job says less."""

    def work(connection: Any) -> dict[str, Stats]:
        known = library()
        wanted = (
            known.VIR_DOMAIN_STATS_CPU_TOTAL
            | known.VIR_DOMAIN_STATS_BALLOON
            | known.VIR_DOMAIN_STATS_BLOCK
            | known.VIR_DOMAIN_STATS_INTERFACE
        )
        flags = (
            known.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
            | known.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        )
        answer = connection.getAllDomainStats(wanted, flags)
        return {domain.UUIDString(): counted(facts) for domain, facts in answer}

    return link.ask("read figures", "*", work)


def counted(facts: Mapping[str, Any]) -> Stats:
    """Sum libvirt's figures of one VM (keys like `block.0.rd.bytes`; nanoseconds; KiB)."""

    def total(group: str, name: str) -> int:
        number = int(facts.get(f"{group}.count", 0))
        return sum(int(facts.get(f"{group}.{i}.{name}", 0)) for i in range(number))

    return Stats(
        cpu_seconds=int(facts.get("cpu.time", 0)) / 1e9,
        memory_mib=int(facts.get("balloon.current", 0)) // 1024,
        disk_read=total("block", "rd.bytes"),
        disk_written=total("block", "wr.bytes"),
        net_received=total("net", "rx.bytes"),
        net_sent=total("net", "tx.bytes"),
    )


def vnc_socket(text: str) -> str:
    """Return the path of the VNC socket in a running domain's XML; empty when it has none."""
    domain = fromstring(text)  # noqa: S314 - libvirt's own output of this node, not foreign input
    listen = domain.find("devices/graphics[@type='vnc']/listen[@type='socket']")
    return listen.get("socket", "") if listen is not None else ""


def parsed(text: str) -> Seen:
    """Read one of libvirt's domain XMLs."""
    domain = fromstring(text)  # noqa: S314 - libvirt's own output of this node, not foreign input
    disks = [d for d in _devices(domain, "disk") if _is_our_disk(d)]
    links = _devices(domain, "interface")
    return Seen(
        name=domain.findtext("name", ""),
        vcpus=_vcpus(domain),
        memory_mib=_mib(domain.find("memory")),
        disks=tuple(disk.findtext("serial", "") for disk in disks),
        links=tuple(_attribute(link, "mac", "address") for link in links),
        extra=tuple(sorted(_extra(domain))),
        sources=tuple(_source(disk) for disk in disks),
        bridges=tuple(_attribute(link, "source", "bridge") for link in links),
    )


def _devices(domain: Element, tag: str) -> list[Element]:
    return domain.findall(f"devices/{tag}")


def _is_our_disk(disk: Element) -> bool:
    return disk.get("device", "disk") == "disk" and bool(disk.findtext("serial"))


def _attribute(element: Element, path: str, name: str) -> str:
    found = element.find(path)
    return found.get(name, "") if found is not None else ""


def _source(disk: Element) -> str:
    return _attribute(disk, "source", "file") or _attribute(disk, "source", "name")


def _vcpus(domain: Element) -> int:
    element = domain.find("vcpu")
    if element is None:
        return 0
    return int(element.get("current") or element.text or 0)


def _mib(memory: Element | None) -> int:
    if memory is None:
        return 0
    return round(int(memory.text or 0) * _KIB_PER[memory.get("unit", "KiB")] / 1024)


def _extra(domain: Element) -> list[str]:
    found = [
        f"qemu:{element.tag.removeprefix(_QEMU)}" for element in domain if _QEMU in element.tag
    ]
    foreign = [device for device in domain.findall("devices/*") if not _ours(device)]
    return [*found, *(f"{device.tag}:{_kind(device)}" for device in foreign)]


def _ours(device: Element) -> bool:
    if device.tag == "disk":
        return _is_our_disk(device)
    if device.tag == "interface":
        return device.get("type") == "bridge"
    if device.tag == "channel":
        return _attribute(device, "target", "name") == AGENT_CHANNEL
    if device.tag == "graphics":
        return _attribute(device, "listen", "type") == "socket"
    return _kind(device) in _OWN.get(device.tag, set())


def _kind(device: Element) -> str:
    said = device.get("type") or device.get("model") or _attribute(device, "model", "type")
    return said or device.get("device") or ""


def _reason(number: int) -> str:
    known = library()
    words = {
        known.VIR_DOMAIN_PAUSED_USER: "user",
        known.VIR_DOMAIN_PAUSED_IOERROR: "io",
        known.VIR_DOMAIN_PAUSED_MIGRATION: "migration",
        known.VIR_DOMAIN_PAUSED_STARTING_UP: "starting",
        known.VIR_DOMAIN_PAUSED_SNAPSHOT: "snapshot",
        known.VIR_DOMAIN_PAUSED_CRASHED: "crashed",
        known.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED: "postcopy failed",
    }
    return words.get(number, f"reason {number}")
