"""Packs the box's own root as a Vagrant box for vagrant-libvirt, with its kernel and an ssh key beside it."""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.host import Host, write_atomically
from appliance.progress import Progress
from images import boot, disk, recipe, record
from images.build import Built
from images.lab import names

# A lab's name has no dash, so this folder beside the labs' own can never be taken for one.
FOLDER = "vagrant-box"
BOX, KERNEL, INITRD, KEY, NOTE = "hbox.box", "vmlinuz", "initrd.img", "id_ecdsa", "vagrant.json"
HIS = "his-standin.hmod"  # what the machine outside the box that plays the hospital's HIS runs
CMDLINE = "root=/dev/vda rw rootfstype=ext4 console=ttyS0 audit=1 apparmor=1 security=apparmor"
MEMORY_MIB = 4096
CPUS = 2
_FORMAT = 2
_MEMBERS = ("metadata.json", "Vagrantfile", "box.img")
# Machine N of the Vagrantfile has these cards: management, intranet side, extranet side; at most five.
_CARDS = {"host0": "52:54:00:0b:0c", "int0": "52:54:00:0b:0d", "ext0": "52:54:00:0b:0e"}
_MACHINES = range(1, 6)
# The lease is asked for by MAC: Vagrant finds the machine's address in libvirt's leases by it.
_NETWORK = """[Match]
Name=host0

[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no

[DHCPv4]
ClientIdentifier=mac
UseHostname=no
"""
# The console's certificate names the addresses that are there at first boot: wait for the lease.
_LEASE_FIRST = """[Unit]
Wants=systemd-networkd-wait-online.service
After=systemd-networkd-wait-online.service
"""
_VAGRANTFILE = f"""# What holds wherever this box runs; the project's own Vagrantfile comes after it.
Vagrant.configure("2") do |config|
  # The key made at pack time is the only way in: no password, no user of Vagrant's, no sudo.
  config.ssh.username = "root"
  config.ssh.insert_key = false
  config.ssh.sudo_command = "%c"
  config.vm.guest = :debian
  # The box's files stay as they were built: Vagrant writes into none of them.
  config.vm.allow_fstab_modification = false
  config.vm.allow_hosts_modification = false
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :libvirt do |libvirt|
    libvirt.cpus = {CPUS}
    libvirt.memory = {MEMORY_MIB}
    libvirt.machine_type = "q35"
    libvirt.disk_bus = "virtio"
    # The box names the card with this address host0; its firewall admits management only there.
    libvirt.management_network_mac = "{boot.MAC}"
    # The image has no boot loader: kernel and initrd lie beside it.
    libvirt.cmd_line = "{CMDLINE}"
  end
end
"""


@dataclass(frozen=True)
class Packed:
    """What was packed: `name` is the Vagrant box's name, `driver` kvm or qemu, `sha256` of its files."""

    name: str
    key: str
    driver: str
    sha256: Mapping[str, str]


def default_folder() -> Path:
    """Return where the box goes: beside the labs, in $HBOX_LAB, else /var/lib/hbox-lab."""
    return names.top() / FOLDER


def vagrantfile() -> str:
    """Return the Vagrantfile inside the box: defaults that hold for every use of it."""
    return _VAGRANTFILE


def metadata(mib: int) -> str:
    """Return the box's metadata.json; vagrant-libvirt wants the size in whole GiB."""
    size = -(-mib // 1024)
    return json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": size}) + "\n"


def additions(public_key: str) -> dict[str, str]:
    """Return path on the box -> text of what this box has beyond the hospital's."""
    return {
        "/root/.ssh/authorized_keys": public_key.strip() + "\n",
        **{f"/etc/systemd/network/10-{name}.link": _link(name) for name in _CARDS},
        "/etc/systemd/network/10-host0.network": _NETWORK,
        "/etc/systemd/system/hbox-firstboot.service.d/vagrant.conf": _LEASE_FIRST,
    }


def _link(name: str) -> str:
    macs = " ".join(f"{_CARDS[name]}:{number:02x}" for number in _MACHINES)
    return f"[Match]\nMACAddress={macs}\n\n[Link]\nName={name}\n"


def pack(
    host: Host, built: Built, folder: Path, shown: Progress, *, kvm: bool, his: Path
) -> Packed:
    """Write the box of `built` into `folder` unless just that is there; `kvm`: whether it works here.

    `his` is the stand-in HIS as a module bundle.

    The private key stays in `folder` (0600); a later pack keeps it, so that a machine that runs is
    not locked out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # QEMU reads kernel and initrd as its own user
    with _alone(folder):
        public_key = _public_key(host, folder)
        mib = recipe.load("box").disk_mib
        key = _key(built, additions(public_key), metadata(mib))
        driver = "kvm" if kvm else "qemu"
        write_atomically(folder / HIS, his.read_bytes(), mode=0o644)
        held = _held(folder)
        if held is not None and (held.key, held.driver) == (key, driver):
            return held
        _clear(folder)
        with shown.step("vagrant.disk", "生成 Vagrant 磁盘", "writing the Vagrant box's disk"):
            image = folder / "box.img"
            copies = {built.guest_on_box: built.guest}
            extra = additions(public_key)
            disk.box(host, built.layers, image, mib=mib, extra=extra, copies=copies)
        with shown.step("vagrant.pack", "打包 Vagrant box", "packing the Vagrant box"):
            _archive(host, folder, mib)
            _take_kernel(built, folder)
            made = Packed(f"hbox-{key}", key, driver, _sums(folder))
            files = {"box": BOX, "kernel": KERNEL, "initrd": INITRD, "ssh_key": KEY, "his": HIS}
            note = {**asdict(made), **files, "cmdline": CMDLINE}
            write_atomically(folder / NOTE, json.dumps(note, indent=1).encode())
    return made


def _key(built: Built, extra: Mapping[str, str], about: str) -> str:
    parts = [path.parent.name for path in built.layers]
    all_of_it = [_FORMAT, parts, built.guest.name, dict(extra), about, vagrantfile(), CMDLINE]
    return digest(canonical(all_of_it))[:16]


def _held(folder: Path) -> Packed | None:
    try:
        raw = json.loads((folder / NOTE).read_text("utf-8"))
        return Packed(raw["name"], raw["key"], raw["driver"], raw["sha256"])
    except (OSError, ValueError, KeyError):
        return None


def _public_key(host: Host, folder: Path) -> str:
    """Make the key unless it is there. Ruby's net-ssh on Debian 12 reads neither Ed25519 nor OpenSSH's form."""
    path = folder / KEY
    if not path.exists():
        kind = ["-t", "ecdsa", "-b", "256", "-m", "PEM"]
        host.run(["ssh-keygen", "-q", *kind, "-N", "", "-C", "hbox-vagrant", "-f", str(path)])
    return path.with_name(f"{KEY}.pub").read_text("utf-8")


def _clear(folder: Path) -> None:
    """Remove the former box and what a pack that was cut off left."""
    for path in (folder / NOTE, folder / BOX, *folder.glob("box.img*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _archive(host: Host, folder: Path, mib: int) -> None:
    (folder / "metadata.json").write_text(metadata(mib), "utf-8")
    (folder / "Vagrantfile").write_text(vagrantfile(), "utf-8")
    archive = [
        "tar",
        "-C",
        str(folder),
        "--owner=0",
        "--group=0",
        "--mtime=@0",
        "-cf",
        str(folder / BOX),
    ]
    host.run([*archive, *_MEMBERS], timeout=900)
    for name in _MEMBERS:
        (folder / name).unlink()


def _take_kernel(built: Built, folder: Path) -> None:
    # The lowest layer is Debian's, and the kernel is part of it.
    for source, name in zip(boot.kernel(built.layers[-1]), (KERNEL, INITRD), strict=True):
        write_atomically(folder / name, source.read_bytes(), mode=0o644)


def _sums(folder: Path) -> dict[str, str]:
    return {name: record.file_digest(folder / name) for name in (BOX, KERNEL, INITRD)}


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
