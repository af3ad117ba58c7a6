"""The domain XML is compared with golden files; regenerate them by hand and read the difference."""

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from controller.drivers.base import Accelerator, Boot, Disk, Link, VmSpec
from controller.drivers.domain_xml import disk_xml, domain_xml
from controller.drivers.storage import FileSource

GOLDEN = Path(__file__).with_name("golden")
VOLUMES = Path("/var/lib/hbox/volumes/6f1c1b1e-9a44-4a52-8f0e-1d6a5f3c2b10")
SPEC = VmSpec(
    id="6f1c1b1e-9a44-4a52-8f0e-1d6a5f3c2b10",
    name="appointment",
    vcpus=2,
    memory_mib=512,
    disks=(
        Disk(FileSource(VOLUMES / "system.qcow2"), "system"),
        Disk(FileSource(VOLUMES / "seed.iso", "raw"), "seed", read_only=True),
    ),
    links=(Link("br-ext", "52:54:0a:58:00:0a", "hm0a58000a"),),
    boot=Boot(Path("/b/vmlinuz"), Path("/b/initrd.img"), "root=/dev/vda console=ttyS0"),
    console=VOLUMES / "console.log",
)


@pytest.mark.parametrize("accelerator", list(Accelerator))
def test_golden(accelerator):
    made = domain_xml(replace(SPEC, accelerator=accelerator))
    assert made == (GOLDEN / f"domain_{accelerator}.xml").read_text("utf-8")


def test_disk_to_plug_in():
    disk = Disk(FileSource(VOLUMES / "module.iso", "raw"), "hbox-module", read_only=True)
    assert disk_xml(disk, "vdc") == (GOLDEN / "disk.xml").read_text("utf-8")


def test_names_cannot_break_out_of_the_xml():
    made = fromstring(domain_xml(replace(SPEC, name='a"/><b>&')))  # noqa: S314 - our own output
    assert made.findtext("name") == 'a"/><b>&'
    assert made.find("b") is None


def test_a_vm_has_one_nic_and_that_in_its_zone():
    links = fromstring(domain_xml(SPEC)).findall("devices/interface")  # noqa: S314 - our own output
    assert [link.find("source").get("bridge") for link in links] == ["br-ext"]
