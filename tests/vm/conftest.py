"""The box's own disk, booted under QEMU once for all tests: how to reach it and what it says."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.clock import monotonic, pause
from appliance.host import CommandTimeout, LocalHost, Result
from images import boot, build, disk, recipe
from images.lab.forward import free_port

PYTHON = "/usr/lib/hbox/venv/bin/python -I"
_CMDLINE = "root=/dev/vda rw rootfstype=ext4 console=ttyS0 audit=1 apparmor=1 security=apparmor"
# The management interface is called host0 on every box; the installer writes such a file from its address.
_LINK = f"[Match]\nMACAddress={boot.MAC}\n\n[Link]\nName=host0\n"
_NETWORK = """[Match]
Name=host0

[Network]
Address=10.0.2.15/24
LinkLocalAddressing=no
"""


@dataclass(frozen=True)
class Box:
    """The booted box: how to reach it, and what it says on its serial port."""

    key: Path
    ssh_port: int
    web_port: int
    serial: Path

    def sh(self, line: str, *, check: bool = True) -> Result:
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ConnectTimeout": "20",
        }
        pairs = [part for k, v in options.items() for part in ("-o", f"{k}={v}")]
        where = ["-p", str(self.ssh_port), "-i", str(self.key), "root@127.0.0.1"]
        return LocalHost().run(
            ["ssh", "-F", "none", *pairs, *where, "--", line], check=check, timeout=120
        )

    def put(self, file: Path, where: str) -> None:
        """Copy a small file onto the box."""
        text = base64.b64encode(file.read_bytes()).decode()
        self.sh(f"echo {text} | base64 -d > {where}")

    def wait(self, probe: str, patience: float) -> None:
        deadline = monotonic() + patience
        while not self._holds(probe):
            assert monotonic() < deadline, f"{probe}: {boot.said(self.serial)[-3000:]}"
            pause(2)

    def _holds(self, probe: str) -> bool:
        try:
            return self.sh(probe, check=False).code == 0
        except CommandTimeout:
            return False  # a machine that boots may take a connection and have no time for it yet


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    host = LocalHost()
    built = build.everything(host)
    key = folder / "id"
    host.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
    extra = {
        "/root/.ssh/authorized_keys": key.with_suffix(".pub").read_text(),
        "/etc/systemd/network/10-host0.link": _LINK,
        "/etc/systemd/network/10-host0.network": _NETWORK,
    }
    image = folder / "box.qcow2"
    copies = {built.guest_on_box: built.guest}
    disk.box(host, built.layers, image, mib=recipe.load("box").disk_mib, extra=extra, copies=copies)
    kernel, initrd = boot.kernel(built.layers[-1])
    made = Box(key, free_port(), free_port(), folder / "serial.log")
    accel = "kvm" if boot.kvm(folder, built.guest) else "tcg"
    machine = boot.Machine(
        *(kernel, initrd, _CMDLINE, made.serial),
        disk=image,
        accel=accel,
        forwards={made.ssh_port: 22, made.web_port: 8443},
    )
    running = boot.launch(machine)
    try:
        made.wait("true", 400)
        yield made
    finally:
        running.end()
        image.unlink()
