"""Boots a whole-disk image under QEMU with its kernel beside it; says whether KVM really works here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import monotonic, pause
from appliance.errors import NotFound
from appliance.host import Started, start, write_atomically

MAC = "52:54:00:0b:0c:01"  # of the management interface
_ALIVE = "Linux version"


@dataclass(frozen=True)
class Machine:
    """One virtual machine. `forwards`: port on 127.0.0.1 here -> port inside; `serial`: its log."""

    kernel: Path
    initrd: Path
    cmdline: str
    serial: Path
    disk: Path | None = None
    accel: str = "tcg"
    memory_mib: int = 2048
    cpus: int = 2
    forwards: Mapping[int, int] = field(default_factory=dict)


def argv(machine: Machine) -> list[str]:
    """Return QEMU's argument vector; writes to the disk are thrown away (snapshot)."""
    doors = "".join(
        f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in machine.forwards.items()
    )
    disk = [] if machine.disk is None else ["-drive", f"file={machine.disk},if=virtio,snapshot=on"]
    model = "host" if machine.accel == "kvm" else "max"
    # Emulated hardware virtualisation is no use to the guest, and its own probe of it can stall the
    # machine. Not `svm=off` in the CPU model: with it half of the guest's programs abort (QEMU 7.2).
    quiet = "" if machine.accel == "kvm" else " module_blacklist=kvm_amd,kvm_intel"
    return [
        *["qemu-system-x86_64", "-machine", f"q35,accel={machine.accel}", "-cpu", model],
        *["-smp", str(machine.cpus), "-m", str(machine.memory_mib)],
        *["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
        *["-serial", f"file:{machine.serial}"],
        *["-kernel", str(machine.kernel), "-initrd", str(machine.initrd)],
        *["-append", machine.cmdline + quiet, *disk],
        *["-netdev", f"user,id=management,restrict=on{doors}"],
        *["-device", f"virtio-net-pci,netdev=management,mac={MAC}", "-device", "virtio-rng-pci"],
    ]


def launch(machine: Machine) -> Started:
    """Start the machine; what QEMU itself says goes to `serial`.qemu."""
    return start(argv(machine), log=machine.serial.with_name(f"{machine.serial.name}.qemu"))


def said(serial: Path) -> str:
    """Return what the machine wrote to its serial port so far."""
    try:
        return serial.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def kvm_works(kernel: Path, initrd: Path, folder: Path, *, patience: float = 10.0) -> bool:
    """Whether KVM boots this kernel here; `/dev/kvm` may open and QEMU abort all the same."""
    if not Path("/dev/kvm").exists():
        return False
    serial = folder / "kvm-probe.serial"
    serial.unlink(missing_ok=True)
    cmdline = "console=ttyS0 panic=-1"
    probe = Machine(kernel, initrd, cmdline, serial, accel="kvm", memory_mib=256, cpus=1)
    started = launch(probe)
    deadline = monotonic() + patience
    try:
        while started.alive() and monotonic() < deadline:
            if _ALIVE in said(serial):
                return True
            pause(0.1)
        return _ALIVE in said(serial)
    finally:
        started.end(patience=1)


def kvm(folder: Path, image: Path) -> bool:
    """Whether KVM boots the guest image's kernel; asked once per boot of this machine, kept in `folder`."""
    note = folder / "kvm.json"
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        held = json.loads(note.read_text())
    except (OSError, ValueError):
        held = {}
    if held.get("boot") != boot_id:
        works = kvm_works(image / "vmlinuz", image / "initrd.img", folder)
        held = {"boot": boot_id, "works": works}
        write_atomically(note, json.dumps(held).encode())
    return bool(held["works"])


def kernel(root: Path) -> tuple[Path, Path]:
    """Return the newest kernel and initial RAM disk in the folder `root`/boot."""
    kernels = sorted((root / "boot").glob("vmlinuz-*"))
    if not kernels:
        raise NotFound(what="内核 / kernel", name=root)
    initrd = kernels[-1].with_name(kernels[-1].name.replace("vmlinuz-", "initrd.img-", 1))
    return kernels[-1], initrd
