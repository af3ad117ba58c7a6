"""The inventory: read from this very machine, and from what other machines said."""

import json

import pytest

from appliance.host import CommandMissing, LocalHost, Result
from hardware import acceleration, disks, inventory, nics
from hardware.facts import Accelerator

LSBLK = {
    "blockdevices": [
        {"name": "sr0", "type": "rom", "size": 1, "rota": True, "ro": False},
        {"name": "zram0", "type": "disk", "size": 0, "rota": False, "ro": False},
        {
            "name": "nvme0n1", "type": "disk", "size": 1920383410176, "model": "SAMSUNG MZ ", "serial": " S1",
            "tran": "nvme", "rota": False, "ro": False, "mountpoints": [None],
            "children": [{"name": "nvme0n1p1", "mountpoints": ["/boot", None],
                          "children": [{"name": "vg-root", "mountpoints": ["/"]}]}],
        },
    ]
}  # fmt: skip


def test_this_machine_is_told_as_it_is():
    host = LocalHost()
    assert inventory.memory(host.read("/proc/meminfo").decode()).total_mib > 512
    cpu = inventory.cpu(host.read("/proc/cpuinfo").decode())
    assert cpu.cores == int(host.run(["nproc", "--all"]).text)
    assert cpu.model
    assert "fpu" in cpu.flags
    own = {nic.name: nic for nic in nics.take(host)}
    assert "lo" not in own
    for name, nic in own.items():
        assert host.read(f"/sys/class/net/{name}/address").decode().strip() == nic.mac
    assert {d.name for d in disks.take(host, lab=True)} <= set(
        host.run(["ls", "/sys/class/block"]).text.split()
    )


def test_disks_empty_devices_and_drives_for_discs_are_left_out():
    (disk,) = disks.parse(json.dumps(LSBLK), lab=False)
    assert (disk.name, disk.model, disk.serial) == ("nvme0n1", "SAMSUNG MZ", "S1")
    assert disk.size_mib == 1831420
    assert disk.mountpoints == ("/", "/boot")
    assert not disk.foreign


def test_in_a_lab_every_disk_is_foreign():
    assert all(disk.foreign for disk in disks.parse(json.dumps(LSBLK), lab=True))


def test_a_lab_node_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(inventory, "LAB", str(tmp_path / "lab.json"))
    assert not inventory.is_lab(LocalHost())
    (tmp_path / "lab.json").write_text('{"lab": true}')
    assert inventory.is_lab(LocalHost())


def test_an_enslaved_card_names_its_bridge():
    link = {
        "ifname": "int0",
        "mtu": 1500,
        "operstate": "UP",
        "address": "52:54:00:00:00:01",
        "master": "br-int",
    }
    card = nics.nic(link, "igb", 10000)
    assert (card.kind, card.driver, card.master, card.speed) == ("physical", "igb", "br-int", 10000)
    veth = nics.nic({**link, "linkinfo": {"info_kind": "veth"}}, "", None)
    assert veth.kind == "veth"


def test_only_a_device_with_a_driver_has_one():
    """`readlink -f` answers with the path itself where the last part is missing."""
    for card in nics.take(LocalHost()):
        assert card.driver not in ("driver", "device")


class Recorded:
    """Answers in QEMU's place with what it said on other machines; everything else is asked here."""

    name = "recorded"

    def __init__(self, kvm, tcg):
        self.said = {"kvm": kvm, "tcg": tcg}

    def run(self, argv, **more):
        if argv[0] == "qemu-system-x86_64":
            said = self.said[argv[argv.index("-accel") + 1]]
            if isinstance(said, Exception):
                raise said
            code, out, err = said
            return Result(tuple(argv), code, out, err)
        return LocalHost().run(argv, **more)

    read = LocalHost().read
    write = LocalHost().write


BOOTED = (
    0,
    b"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
    b"",
)
ABORTED = (134, b"", b"qemu-system-x86_64: error: failed to set MSR 0x48d to 0x5600000016\n")
HUNG = acceleration.CommandTimeout(command="qemu-system-x86_64", limit=10.0)
MISSING = CommandMissing(command="qemu-system-x86_64")


@pytest.mark.parametrize(
    ("kvm", "tcg", "chosen", "tries"),
    [
        (BOOTED, BOOTED, Accelerator.KVM, 1),
        (ABORTED, BOOTED, Accelerator.TCG, 2),
        (HUNG, BOOTED, Accelerator.TCG, 2),
        (ABORTED, HUNG, Accelerator.NONE, 2),
        (MISSING, MISSING, Accelerator.NONE, 2),
    ],
    ids=["works", "aborts", "hangs", "nothing", "missing"],
)
def test_only_an_accelerator_that_boots_is_used(kvm, tcg, chosen, tries):
    found = acceleration.probe(Recorded(kvm, tcg), kernel="/boot/vmlinuz")
    assert found.accelerator is chosen
    assert len(found.attempts) == tries
    assert all(attempt.seen for attempt in found.attempts)


def test_without_a_kernel_nothing_is_called_working(monkeypatch):
    monkeypatch.setattr(acceleration, "KERNELS", ("/no/such/kernel",))
    found = acceleration.probe(LocalHost())
    assert found.accelerator is Accelerator.NONE


def test_facts_become_json():
    found = acceleration.probe(Recorded(ABORTED, BOOTED), kernel="/boot/vmlinuz")
    assert json.loads(json.dumps(found.attempts[0].works)) is False
