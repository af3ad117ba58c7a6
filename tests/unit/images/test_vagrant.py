"""What the Vagrant box holds beside the hospital's root, and what stays out of it."""

import json
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.host import LocalHost
from appliance.progress import Progress
from images import boot, build, vagrant
from images.build import Built
from images.checkout import TOP
from images.lab import life

_INSECURE = "vagrant insecure public key"
_KVM = [True, False]


@dataclass(frozen=True)
class Disks:
    """Stands in for the one step that needs root and a real Debian: notes what it was given."""

    asked: list[dict[str, str]] = field(default_factory=list)

    def box(self, host, layers, target: Path, *, mib, extra, copies) -> None:
        self.asked.append(extra)
        target.write_bytes(b"a disk")


@pytest.fixture
def disks(monkeypatch) -> Disks:
    made = Disks()
    monkeypatch.setattr(vagrant, "disk", made)
    return made


@pytest.fixture
def built(tmp_path: Path) -> Built:
    boot_folder = tmp_path / "cache/box-debian/one/root/boot"
    boot_folder.mkdir(parents=True)
    (boot_folder / "vmlinuz-6.12-amd64").write_bytes(b"kernel")
    (boot_folder / "initrd.img-6.12-amd64").write_bytes(b"initrd")
    product = tmp_path / "cache/box-product/two/layer"
    return Built((product, boot_folder.parent), tmp_path / "cache/guest-base/three")


def _pack(built: Built, folder: Path, *, kvm: bool = False) -> vagrant.Packed:
    his = folder.with_name("his.hmod")
    his.write_bytes(b"a module")
    with build.plain_modes():
        shown = Progress(folder.with_name("progress.json"))
        return vagrant.pack(LocalHost(), built, folder, shown, kvm=kvm, his=his)


def test_the_box_has_its_three_members(built: Built, disks: Disks, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    made = _pack(built, folder)
    listed = LocalHost().run(["tar", "-tf", str(folder / vagrant.BOX)]).text.split()
    assert listed == ["metadata.json", "Vagrantfile", "box.img"]
    assert not list(folder.glob("box.img*"))
    assert (folder / "vmlinuz").read_bytes() == b"kernel"
    assert (folder / "initrd.img").read_bytes() == b"initrd"
    assert json.loads((folder / vagrant.NOTE).read_text())["name"] == made.name


def test_the_private_key_stays_outside(built: Built, disks: Disks, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _pack(built, folder)
    key = folder / vagrant.KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    public = key.with_name(f"{key.name}.pub").read_text()
    assert disks.asked[0]["/root/.ssh/authorized_keys"] == public
    assert _INSECURE not in public
    secret = key.read_text().splitlines()[1].encode()
    others = [p for p in folder.iterdir() if p != key]
    assert len(others) == 7
    assert all(secret not in path.read_bytes() for path in others)
    assert not list((tmp_path / "cache").rglob("id_*"))


def test_two_folders_have_two_keys(built: Built, disks: Disks, tmp_path: Path) -> None:
    first, second = _pack(built, tmp_path / "one"), _pack(built, tmp_path / "two")
    assert first.name != second.name
    assert disks.asked[0] != disks.asked[1]


def test_what_is_there_is_not_packed_again(built: Built, disks: Disks, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    first = _pack(built, folder)
    assert _pack(built, folder) == first
    assert len(disks.asked) == 1
    newer = Built((tmp_path / "cache/box-product/newer/layer", built.layers[1]), built.guest)
    assert _pack(newer, folder).name != first.name
    assert len(disks.asked) == 2
    assert disks.asked[0] == disks.asked[1], "a machine that runs would be locked out"


def test_a_pack_that_was_cut_off_is_done_again(built: Built, disks: Disks, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    first = _pack(built, folder)
    (folder / vagrant.NOTE).write_text("{")
    (folder / "box.img.work/upper").mkdir(parents=True)
    assert _pack(built, folder) == first
    assert len(disks.asked) == 2
    assert not list(folder.glob("box.img*"))


@pytest.mark.parametrize("kvm", _KVM)
def test_the_driver_is_what_the_probe_found(built, disks, tmp_path: Path, kvm: bool) -> None:
    assert _pack(built, tmp_path / "out", kvm=kvm).driver == ("kvm" if kvm else "qemu")


def test_a_card_is_called_by_the_address_that_the_vagrantfile_gives() -> None:
    link = vagrant.additions("key")["/etc/systemd/network/10-host0.link"]
    assert boot.MAC in link
    assert "Name=host0" in link
    assert f'management_network_mac = "{boot.MAC}"' in vagrant.vagrantfile()
    text = (TOP / "Vagrantfile").read_text("utf-8")
    for name in ("host0", "int0", "ext0"):
        made = vagrant.additions("key")[f"/etc/systemd/network/10-{name}.link"]
        (kind,) = re.findall(rf"{name}: 0x(\w\w)", text)
        addresses = [f"52:54:00:0b:{kind}:{number:02x}" for number in (1, 2, 3, 4, 5)]
        assert made == f"[Match]\nMACAddress={' '.join(addresses)}\n\n[Link]\nName={name}\n"


@pytest.mark.parametrize(("mib", "gib"), [(8192, 8), (8193, 9)])
def test_vagrant_wants_whole_gib(mib: int, gib: int) -> None:
    about = json.loads(vagrant.metadata(mib))
    assert about == {"provider": "libvirt", "format": "qcow2", "virtual_size": gib}


def test_the_folder_is_no_lab(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HBOX_LAB", str(tmp_path))
    vagrant.default_folder().mkdir()
    assert life.known() == []


def test_the_project_reads_what_the_pack_writes(built, disks, tmp_path: Path) -> None:
    _pack(built, tmp_path / "out")
    text = (TOP / "Vagrantfile").read_text("utf-8")
    note = json.loads((tmp_path / "out" / vagrant.NOTE).read_text())
    for name in (
        "name",
        "driver",
        "box",
        "kernel",
        "initrd",
        "ssh_key",
        "sha256",
        "his",
        "cmdline",
    ):
        assert f'packed["{name}"]' in text or f"packed['{name}']" in text
        assert name in note
    assert f'"{vagrant.FOLDER}"' in text
    assert f'"{vagrant.NOTE}"' in text
