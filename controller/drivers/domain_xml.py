"""Writes libvirt's domain XML for a VM: a pure function from its specification to text."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from controller.drivers.base import Accelerator, Boot, Disk, Link, VmSpec
from controller.drivers.storage import FileSource

AGENT_CHANNEL = "org.qemu.guest_agent.0"
# Empty PCIe ports: on q35 a disk can be plugged into a running VM only where a port is free.
SPARE_PORTS = 4


def domain_xml(spec: VmSpec, *, kind: str = "") -> str:
    """Return the domain's XML. `kind` overrides libvirt's domain type (for its test driver)."""
    domain = Element("domain", type=kind or _kind(spec.accelerator))
    SubElement(domain, "name").text = spec.name
    SubElement(domain, "uuid").text = spec.id
    SubElement(domain, "memory", unit="MiB").text = str(spec.memory_mib)
    SubElement(domain, "vcpu").text = str(spec.vcpus)
    _boot(domain, spec.boot)
    features = SubElement(domain, "features")
    SubElement(features, "acpi")
    SubElement(features, "apic")
    _processor(domain, spec.accelerator)
    SubElement(domain, "clock", offset="utc")
    SubElement(domain, "on_poweroff").text = "destroy"
    SubElement(domain, "on_reboot").text = "restart"
    SubElement(domain, "on_crash").text = "destroy"
    _devices(domain, spec)
    indent(domain, "  ")
    return tostring(domain, encoding="unicode") + "\n"


def disk_xml(disk: Disk, target: str) -> str:
    """Return the XML of one virtio disk at `target` (vda, vdb, …), for plugging it in."""
    parent = Element("devices")
    element = _disk(parent, disk, target)
    indent(element, "  ")
    return tostring(element, encoding="unicode").strip() + "\n"


def target_name(index: int) -> str:
    """Return vda, vdb, … for 0, 1, …; at most 26 disks."""
    return "vd" + "abcdefghijklmnopqrstuvwxyz"[index]


def _kind(accelerator: Accelerator) -> str:
    return "kvm" if accelerator is Accelerator.KVM else "qemu"


def _boot(domain: Element, boot: Boot | None) -> None:
    system = SubElement(domain, "os")
    SubElement(system, "type", arch="x86_64", machine="q35").text = "hvm"
    if boot is None:
        SubElement(system, "boot", dev="hd")
        return
    SubElement(system, "kernel").text = str(boot.kernel)
    SubElement(system, "initrd").text = str(boot.initrd)
    SubElement(system, "cmdline").text = boot.command_line


def _processor(domain: Element, accelerator: Accelerator) -> None:
    if accelerator is Accelerator.KVM:
        SubElement(domain, "cpu", mode="host-passthrough")
    else:
        SubElement(domain, "cpu", mode="maximum")


def _devices(domain: Element, spec: VmSpec) -> None:
    devices = SubElement(domain, "devices")
    for index, disk in enumerate(spec.disks):
        _disk(devices, disk, target_name(index))
    SubElement(devices, "controller", type="usb", model="none")
    SubElement(devices, "controller", type="pci", model="pcie-root")
    # One port per plugged device (disks, NIC, serial bus, balloon, rng) and the spare ones.
    for _ in range(len(spec.disks) + len(spec.links) + 3 + SPARE_PORTS):
        SubElement(devices, "controller", type="pci", model="pcie-root-port")
    for link in spec.links:
        _link(devices, link)
    serial = SubElement(devices, "serial", type="file")
    SubElement(serial, "source", path=str(spec.console))
    SubElement(serial, "target", port="0")
    channel = SubElement(devices, "channel", type="unix")
    SubElement(channel, "target", type="virtio", name=AGENT_CHANNEL)
    rng = SubElement(devices, "rng", model="virtio")
    SubElement(rng, "backend", model="random").text = "/dev/urandom"
    SubElement(devices, "memballoon", model="virtio")


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
        SubElement(element, "driver", name="qemu", type=source.format, discard="unmap")
        SubElement(element, "source", file=str(source.path))
    else:
        element = SubElement(parent, "disk", type="network", device="disk")
        SubElement(element, "driver", name="qemu", type="raw", discard="unmap")
        auth = SubElement(element, "auth", username=source.user)
        SubElement(auth, "secret", type="ceph", uuid=source.secret)
        there = SubElement(element, "source", protocol="rbd", name=f"{source.pool}/{source.image}")
        for monitor in source.monitors:
            host, _, port = monitor.rpartition(":")
            SubElement(there, "host", name=host, port=port)
    SubElement(element, "target", dev=target, bus="virtio")
    if disk.read_only:
        SubElement(element, "readonly")
    SubElement(element, "serial").text = disk.serial
    return element
