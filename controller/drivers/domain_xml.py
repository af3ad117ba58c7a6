"""Writes libvirt's domain XML for a VM: pure functions from its specification to text."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from appliance.errors import BadInput
from controller.drivers.base import Accelerator, Boot, Disk, Link, VmSpec
from controller.drivers.storage import FileSource, RbdSource, Source

AGENT_CHANNEL = "org.qemu.guest_agent.0"
# Empty PCIe ports: on q35 a device can be plugged into a running VM only where a port is free.
SPARE_PORTS = 8
# How often the memory of a running VM can grow, each time by a whole number of DIMM_STEP MiB: Linux
# takes memory in blocks of that size.
DIMM_SLOTS = 16
DIMM_STEP = 128
# What XML 1.0 cannot hold, and the line ends that a parser would change (XML 1.0, 2.2 and 2.11).
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def domain_xml(spec: VmSpec, *, kind: str = "") -> str:
    """Return the domain's XML; raises `BadInput` for what XML cannot hold.

    `kind` overrides libvirt's domain type (for its test driver).
    """
    domain = Element("domain", type=kind or _kind(spec.accelerator))
    SubElement(domain, "name").text = spec.name
    SubElement(domain, "uuid").text = spec.id
    _size(domain, spec)
    _boot(domain, spec.boot)
    features = SubElement(domain, "features")
    SubElement(features, "acpi")
    SubElement(features, "apic")
    _processor(domain, spec)
    SubElement(domain, "clock", offset="utc")
    SubElement(domain, "on_poweroff").text = "destroy"
    SubElement(domain, "on_reboot").text = "restart"
    SubElement(domain, "on_crash").text = "destroy"
    _devices(domain, spec)
    return _text(domain)


def disk_xml(disk: Disk, target: str) -> str:
    """Return the XML of one virtio disk at `target` (vda, vdb, …), for plugging it in."""
    return _text(_disk(Element("devices"), disk, target))


def link_xml(link: Link) -> str:
    """Return the XML of one network interface, for plugging it in."""
    return _text(_link(Element("devices"), link))


def dimm_xml(mib: int) -> str:
    """Return the XML of a memory module of `mib` MiB, for plugging it in."""
    element = Element("memory", model="dimm")
    target = SubElement(element, "target")
    SubElement(target, "size", unit="MiB").text = str(mib)
    SubElement(target, "node").text = "0"
    return _text(element)


def target_name(index: int) -> str:
    """Return vda, vdb, … for 0, 1, …; at most 26 disks."""
    return "vd" + "abcdefghijklmnopqrstuvwxyz"[index]


def source_name(source: Source) -> str:
    """Return what the engine will say of this source: the file's path, or POOL/IMAGE."""
    if isinstance(source, FileSource):
        return str(source.path)
    return f"{source.pool}/{source.image}"


def _text(element: Element) -> str:
    for part in element.iter():
        for value in (part.text or "", *part.attrib.values()):
            if found := _UNWRITABLE.search(value):
                raise BadInput(what="虚拟机定义 VM definition", why=f"character {found[0]!r}")
    indent(element, "  ")
    return tostring(element, encoding="unicode").strip() + "\n"


def _kind(accelerator: Accelerator) -> str:
    return "kvm" if accelerator is Accelerator.KVM else "qemu"


def _size(domain: Element, spec: VmSpec) -> None:
    if spec.max_memory_mib > spec.memory_mib:
        most = SubElement(domain, "maxMemory", slots=str(DIMM_SLOTS), unit="MiB")
        most.text = str(spec.max_memory_mib)
    SubElement(domain, "memory", unit="MiB").text = str(spec.memory_mib)
    most_vcpus = max(spec.vcpus, spec.max_vcpus)
    now = {"current": str(spec.vcpus)} if most_vcpus > spec.vcpus else {}
    SubElement(domain, "vcpu", now).text = str(most_vcpus)


def _boot(domain: Element, boot: Boot | None) -> None:
    system = SubElement(domain, "os")
    SubElement(system, "type", arch="x86_64", machine="q35").text = "hvm"
    if boot is None:
        SubElement(system, "boot", dev="hd")
        return
    SubElement(system, "kernel").text = str(boot.kernel)
    SubElement(system, "initrd").text = str(boot.initrd)
    SubElement(system, "cmdline").text = boot.command_line


def _processor(domain: Element, spec: VmSpec) -> None:
    # host-model, not host-passthrough: libvirt writes down which features the guest was given, and
    # refuses a live migration to a node that lacks one, where passthrough would crash the guest there.
    mode = "host-model" if spec.accelerator is Accelerator.KVM else "maximum"
    element = SubElement(domain, "cpu", mode=mode)
    if spec.max_memory_mib > spec.memory_mib:
        # Memory modules are plugged into a NUMA node: QEMU wants at least one.
        last = max(spec.vcpus, spec.max_vcpus) - 1
        cell = {"id": "0", "cpus": f"0-{last}" if last else "0"}
        memory = {"memory": str(spec.memory_mib), "unit": "MiB"}
        SubElement(SubElement(element, "numa"), "cell", {**cell, **memory})


def _devices(domain: Element, spec: VmSpec) -> None:
    devices = SubElement(domain, "devices")
    for index, disk in enumerate(spec.disks):
        _disk(devices, disk, target_name(index))
    if not spec.screen:
        SubElement(devices, "controller", type="usb", model="none")
    SubElement(devices, "controller", type="pci", model="pcie-root")
    # One port per plugged device (disks, NICs, serial bus, balloon, rng, USB) and the spare ones.
    fixed = 4 if spec.screen else 3
    for _ in range(len(spec.disks) + len(spec.links) + fixed + SPARE_PORTS):
        SubElement(devices, "controller", type="pci", model="pcie-root-port")
    for link in spec.links:
        _link(devices, link)
    _serial(devices, spec)
    channel = SubElement(devices, "channel", type="unix")
    SubElement(channel, "target", type="virtio", name=AGENT_CHANNEL)
    if spec.screen:
        _screen(devices)
    rng = SubElement(devices, "rng", model="virtio")
    SubElement(rng, "backend", model="random").text = "/dev/urandom"
    SubElement(devices, "memballoon", model="virtio")


def _serial(devices: Element, spec: VmSpec) -> None:
    # A terminal that can be opened, and beside it a log that is written whether anybody looks or not.
    # virtlogd writes the log and turns it over: a guest that talks without end fills no disk.
    serial = SubElement(devices, "serial", type="pty")
    SubElement(serial, "log", file=str(spec.console), append="on")
    SubElement(serial, "target", port="0")


def _screen(devices: Element) -> None:
    # A socket in libvirt's own folder for the VM: no TCP port, no password, gone when the VM stops.
    graphics = SubElement(devices, "graphics", type="vnc")
    SubElement(graphics, "listen", type="socket")
    SubElement(SubElement(devices, "video"), "model", type="vga")
    # A tablet says where the pointer is; a mouse only how far it went, and the two pointers part.
    SubElement(devices, "controller", type="usb", model="qemu-xhci")
    SubElement(devices, "input", type="tablet", bus="usb")


def _link(parent: Element, link: Link) -> Element:
    element = SubElement(parent, "interface", type="bridge")
    SubElement(element, "mac", address=link.mac)
    SubElement(element, "source", bridge=link.bridge)
    SubElement(element, "target", dev=link.tap)
    SubElement(element, "model", type="virtio")
    return element


def _disk(parent: Element, disk: Disk, target: str) -> Element:
    source = disk.source
    if isinstance(source, FileSource):
        element = SubElement(parent, "disk", type="file", device="disk")
        _driver(element, source.format)
        SubElement(element, "source", file=str(source.path))
    else:
        element = SubElement(parent, "disk", type="network", device="disk")
        _driver(element, "raw")
        _rbd(element, source)
    SubElement(element, "target", dev=target, bus="virtio")
    if disk.read_only:
        SubElement(element, "readonly")
    SubElement(element, "serial").text = disk.serial
    return element


def _driver(disk: Element, form: str) -> None:
    # No cache of the host's: a write error is known at the write (the page cache would report it once,
    # at some later flush, and forget the data), and nothing unwritten is left behind on a node that is
    # cut off. On an error the guest is paused, with the write still to be done, instead of being told:
    # most guests make their file system read-only for good when a storage is away for a minute.
    safe = {"cache": "none", "error_policy": "stop", "rerror_policy": "stop"}
    SubElement(disk, "driver", {"name": "qemu", "type": form, **safe, "discard": "unmap"})


def _rbd(disk: Element, source: RbdSource) -> None:
    auth = SubElement(disk, "auth", username=source.user)
    SubElement(auth, "secret", type="ceph", uuid=source.secret)
    there = SubElement(disk, "source", protocol="rbd", name=f"{source.pool}/{source.image}")
    for monitor in source.monitors:
        host, _, port = monitor.rpartition(":")
        SubElement(there, "host", name=host.strip("[]"), port=port)
