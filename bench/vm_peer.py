"""What a plain script with libvirt's own binding and qemu-img does: many machines from one disk, and away again.

    python3 vm_peer.py make|drop COUNT THREADS BASE FOLDER

Runs in a node under Debian's Python. It keeps no records, undoes nothing, checks nothing.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import libvirt

DOMAIN = """<domain type='qemu'><name>{name}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
<features><acpi/><apic/></features><cpu mode='maximum'/><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>
<source file='{folder}/system.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='raw'/>
<source file='{folder}/seed.iso'/><target dev='vdb' bus='virtio'/><readonly/></disk>
<interface type='bridge'><mac address='{mac}'/><source bridge='br-ext'/><model type='virtio'/></interface>
<serial type='file'><source path='{folder}/console.log'/></serial>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<graphics type='vnc'><listen type='socket'/></graphics><video><model type='virtio'/></video>
<memballoon model='virtio'/></devices></domain>"""
USER_DATA = "#cloud-config\nusers: []\n"


def make(connection: libvirt.virConnect, base: str, top: Path, number: int) -> None:
    """Disk, first-boot volume, definition, power."""
    name, folder = f"peer-{number}", top / str(number)
    folder.mkdir(parents=True)
    folder.chmod(0o711)
    disk = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base]
    subprocess.run([*disk, str(folder / "system.qcow2"), "2G"], check=True)
    with tempfile.TemporaryDirectory(dir=folder) as seed:
        Path(seed, "meta-data").write_text(f"instance-id: {name}\nlocal-hostname: {name}\n")
        Path(seed, "user-data").write_text(USER_DATA)
        Path(seed, "network-config").write_text("version: 2\n")
        iso = [
            "xorriso",
            "-as",
            "mkisofs",
            "-quiet",
            "-volid",
            "cidata",
            "-joliet",
            "-rational-rock",
        ]
        subprocess.run(
            [*iso, "-output", str(folder / "seed.iso"), seed], check=True, capture_output=True
        )
    mac = f"52:54:00:be:0c:{number:02x}"
    connection.defineXML(DOMAIN.format(name=name, folder=folder, mac=mac)).create()


def drop(connection: libvirt.virConnect, top: Path, number: int) -> None:
    """Power off, forget, unlink."""
    domain = connection.lookupByName(f"peer-{number}")
    domain.destroy()
    domain.undefine()
    for file in (top / str(number)).iterdir():
        file.unlink()
    (top / str(number)).rmdir()


def main() -> None:
    verb, count, threads, base, folder = sys.argv[1:]
    os.umask(0o022)  # QEMU's own user reads the disks
    connection, began = libvirt.open("qemu:///system"), time.monotonic()
    with ThreadPoolExecutor(int(threads)) as pool:
        deeds = [
            pool.submit(make, connection, base, Path(folder), number)
            if verb == "make"
            else pool.submit(drop, connection, Path(folder), number)
            for number in range(int(count))
        ]
        for deed in deeds:
            deed.result()
    sys.stdout.write(f"{time.monotonic() - began:.3f}\n")


main()
