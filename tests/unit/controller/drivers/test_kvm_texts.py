"""What the kvm driver reads and writes as text, without libvirt: definitions seen, sized, counted."""

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.errors import BadInput
from controller.drivers.base import Disk, Link, Stats
from controller.drivers.domain_xml import (
    DIMM_SLOTS,
    dimm_xml,
    disk_xml,
    domain_xml,
    link_xml,
    source_name,
)
from controller.drivers.kvm_moving import part_of
from controller.drivers.kvm_resize import grows, sized
from controller.drivers.kvm_seen import counted, parsed, vnc_socket
from controller.drivers.storage import FileSource, RbdSource
from tests.unit.controller.drivers.test_domain_xml import SPEC

RBD = RbdSource(
    "hbox", "6f1c.system", ("10.77.0.10:3300", "[fd00::11]:3300"), "hbox", "74011dc1-6b9b-5767"
)
ROOMY = replace(SPEC, max_vcpus=8, max_memory_mib=4096)


def xml(text):
    return fromstring(text)  # noqa: S314 - our own output


def test_what_was_written_is_read_again():
    seen = parsed(domain_xml(replace(SPEC, disks=(*SPEC.disks, Disk(RBD, "data")))))
    assert (seen.name, seen.vcpus, seen.memory_mib) == ("appointment", 2, 512)
    assert seen.disks == ("system", "seed", "data")
    assert seen.sources == (*(source_name(d.source) for d in SPEC.disks), "hbox/6f1c.system")
    assert (seen.links, seen.bridges) == (("52:54:0a:58:00:0a",), ("br-ext",))
    assert seen.extra == ()


def test_growing_room_is_not_counted_as_there():
    seen = parsed(domain_xml(ROOMY))
    assert (seen.vcpus, seen.memory_mib) == (2, 512)


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ('<hostdev mode="subsystem" type="pci"/>', "hostdev:pci"),
        ('<filesystem type="mount"/>', "filesystem:mount"),
        (
            '<graphics type="vnc" port="5900"><listen type="address" address="0.0.0.0"/></graphics>',
            "graphics:vnc",
        ),
        ('<disk type="file" device="cdrom"><source file="/x.iso"/></disk>', "disk:file"),
        ('<disk type="file" device="disk"><source file="/x"/></disk>', "disk:file"),
        ('<interface type="user"><mac address="52:54:00:00:00:01"/></interface>', "interface:user"),
        ('<channel type="unix"><target type="virtio" name="x.0"/></channel>', "channel:unix"),
        ('<serial type="tcp"/>', "serial:tcp"),
        ('<redirdev bus="usb" type="spicevmc"/>', "redirdev:spicevmc"),
    ],
)
def test_a_foreign_device_is_seen(device, said):
    text = domain_xml(SPEC).replace("<devices>", f"<devices>{device}")
    assert parsed(text).extra == (said,)


def test_an_argument_for_qemu_behind_our_back_is_seen():
    text = domain_xml(SPEC).replace(
        "</devices>",
        '</devices><commandline xmlns="http://libvirt.org/schemas/domain/qemu/1.0"/>',
    )
    assert parsed(text).extra == ("qemu:commandline",)


def test_a_disk_or_link_that_was_exchanged_is_seen():
    text = domain_xml(SPEC).replace("system.qcow2", "other.qcow2").replace("br-ext", "br-int")
    seen = parsed(text)
    assert seen.sources[0].endswith("other.qcow2")
    assert seen.bridges == ("br-int",)


def test_the_screen_is_a_socket_and_only_where_asked_for():
    plain, screened = xml(domain_xml(SPEC)), xml(domain_xml(replace(SPEC, screen=True)))
    assert plain.find("devices/graphics") is None
    (listen,) = screened.findall("devices/graphics/listen")
    assert (listen.get("type"), listen.get("address")) == ("socket", None)
    assert vnc_socket(domain_xml(SPEC)) == ""
    running = domain_xml(replace(SPEC, screen=True)).replace(
        '<listen type="socket" />', '<listen type="socket" socket="/run/v.sock"/>'
    )
    assert vnc_socket(running) == "/run/v.sock"


def test_a_disk_that_is_away_halts_the_guest():
    for driver in xml(domain_xml(replace(SPEC, disks=(*SPEC.disks, Disk(RBD, "d"))))).iter(
        "driver"
    ):
        assert (driver.get("error_policy"), driver.get("rerror_policy")) == ("stop", "stop")
        assert driver.get("cache") == "none"


def test_a_disk_in_ceph():
    disk = xml(disk_xml(Disk(RBD, "data"), "vdc"))
    assert disk.find("source").get("name") == "hbox/6f1c.system"
    hosts = [(h.get("name"), h.get("port")) for h in disk.findall("source/host")]
    assert hosts == [("10.77.0.10", "3300"), ("fd00::11", "3300")]
    assert disk.find("auth").get("username") == "hbox"
    assert disk.find("auth/secret").get("uuid") == RBD.secret


def test_memory_grows_by_modules_within_limits():
    live = parsed(domain_xml(ROOMY))
    assert grows(live, 512 + 128)
    assert not grows(live, 512 + 100), "Linux takes memory in blocks of 128 MiB"
    assert not grows(live, 512)
    assert not grows(live, 256), "a module cannot be negative"
    assert xml(dimm_xml(128)).findtext("target/size") == "128"


def test_a_definition_is_sized():
    domain = xml(sized(domain_xml(ROOMY), 9, 8192))
    assert (domain.find("vcpu").text, domain.find("vcpu").get("current")) == ("9", "9")
    assert domain.findtext("memory") == domain.findtext("currentMemory") == str(8192 * 1024)
    cell = domain.find("cpu/numa/cell")
    assert (cell.get("cpus"), cell.get("memory"), cell.get("unit")) == (
        "0-8",
        str(8192 * 1024),
        "KiB",
    )
    limit = domain.find("maxMemory")
    assert int(limit.text) > 8192 * 1024
    assert limit.get("slots") == str(DIMM_SLOTS)


def test_a_definition_without_room_stays_without():
    domain = xml(sized(domain_xml(SPEC), 1, 256))
    assert (domain.find("vcpu").text, domain.find("vcpu").get("current")) == ("2", "1")
    assert domain.find("maxMemory") is None
    assert parsed(sized(domain_xml(SPEC), 1, 256)).memory_mib == 256


def test_figures_are_summed():
    facts = {
        "cpu.time": 2_500_000_000,
        "balloon.current": 524288,
        "block.count": 2,
        "block.0.rd.bytes": 10,
        "block.1.rd.bytes": 5,
        "block.1.wr.bytes": 7,
        "net.count": 1,
        "net.0.rx.bytes": 3,
        "net.0.tx.bytes": 4,
    }
    assert counted(facts) == Stats(2.5, 512, 15, 7, 3, 4)
    assert counted({}) == Stats(0.0, 0, 0, 0, 0, 0), "a VM that is busy says less"


@pytest.mark.parametrize(
    ("total", "left", "part"),
    [(0, 0, 0.0), (100, 100, 0.0), (100, 25, 0.75), (100, 0, 1.0), (9, 99, 0)],
)
def test_how_far_a_migration_has_come(total, left, part):
    assert part_of({"data_total": total, "data_remaining": left}) == part


HOSTILE = st.text(min_size=1) | st.sampled_from(
    [
        '"/><qemu:commandline>',
        "]]>",
        "<!--",
        "&xxe;",
        "</name><devices>",
        "'; rm -rf /",
        "\x00",
        "\r\n",
    ]
)


@given(name=HOSTILE, serial=HOSTILE, path=HOSTILE, words=HOSTILE, tap=HOSTILE)
def test_hostile_texts_never_break_the_xml(name, serial, path, words, tap):
    """Each stands in the XML as it was given, or is refused; never does another element appear."""
    disk = Disk(FileSource(VOLUME / path), serial)
    link = Link(tap, words, name)
    spec = replace(
        SPEC, name=name, disks=(disk,), links=(link,), boot=replace(SPEC.boot, command_line=words)
    )
    try:
        text = domain_xml(spec)
    except BadInput:
        assume(any(not c.isprintable() for c in name + serial + path + words + tap))
        return
    domain = xml(text)
    usual = xml(domain_xml(replace(SPEC, disks=SPEC.disks[:1])))
    assert [e.tag for e in domain.iter()] == [e.tag for e in usual.iter()]
    assert domain.findtext("name") == name
    assert domain.findtext("os/cmdline") == words
    assert domain.findtext("devices/disk/serial") == serial
    assert domain.find("devices/disk/source").get("file") == str(VOLUME / path)
    assert domain.find("devices/interface/source").get("bridge") == tap
    assert xml(link_xml(link)).find("mac").get("address") == words


VOLUME = SPEC.console.parent


@pytest.mark.parametrize("bad", ["a\nb", "a\x00", "\x1b[2J", "\ud800", "￾", "\x85"])
def test_what_xml_cannot_hold_is_refused(bad):
    with pytest.raises(BadInput):
        domain_xml(replace(SPEC, name=bad))
