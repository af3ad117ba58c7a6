"""A tiny guest and its ways from one node to the other: by the product's driver, by virsh, and listened to."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.chance import raw
from appliance.clock import monotonic, pause
from appliance.host import LocalHost
from images import lab
from images.lab import processes

VM = "6f1c1b1e-0000-4000-8000-00000000c0aa"
PORTS = (49152, 49215)
SERIAL = "/var/log/libvirt/qemu/courier.serial"
SLOW = 4  # MiB/s: long enough to be looked at
_XML = """<domain type='qemu'><name>courier</name><uuid>{vm}</uuid><memory unit='MiB'>96</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>/usr/share/hbox/images/guest-base/vmlinuz</kernel>
<cmdline>panic=0 console=ttyS0 mark={mark}</cmdline></os><features><acpi/></features>
<cpu mode='custom' match='exact'><model>qemu64</model></cpu>
<devices><serial type='file'><source path='{serial}'/></serial></devices></domain>"""
_MOVE = """
import json
from dataclasses import asdict
from controller.drivers.base import Target
from controller.drivers.kvm import KvmDriver
moved = KvmDriver().migrate("{vm}", Target("there", "qemu+tls://{to}/system", "{to}"), lambda part: None)
print(json.dumps(asdict(moved)))
"""
_VIRSH = "timeout 120 virsh migrate --live --p2p --persistent --undefinesource {how} courier 'qemu+tls://{to}/system'"
_LOOK = 'virsh qemu-monitor-command courier \'{"execute":"query-migrate-parameters"}\''


def sh(node, text, *, check=True):
    return node.run(["bash", "-c", text], check=check, timeout=300)


def depart(node) -> str:
    """Start the guest; its memory holds a mark that nothing else has. It has come to rest when this returns."""
    mark = f"hbox{raw(12).hex()}"
    node.write("/tmp/courier.xml", _XML.format(vm=VM, mark=mark, serial=SERIAL).encode())
    sh(node, "virsh define /tmp/courier.xml && virsh start courier")
    end = monotonic() + 180
    while b"Kernel panic" not in sh(node, f"cat {SERIAL}", check=False).out:
        assert monotonic() < end
        pause(1)
    return mark


def dismiss(*nodes) -> None:
    """It is gone, wherever it was."""
    for node in nodes:
        sh(node, "virsh destroy courier; virsh undefine courier", check=False)


def by_driver(node, to) -> dict:
    """Move it as the product does; return what the driver learned."""
    argv = ["/usr/lib/hbox/venv/bin/python", "-I", "-c", _MOVE.format(vm=VM, to=to.address)]
    return json.loads(node.run(argv, timeout=300).text)


def by_virsh(node, to, how: str = ""):
    """Move it by virsh; return how that ended."""
    return sh(node, _VIRSH.format(how=how, to=to.address), check=False)


def rests_on(node) -> bool:
    """Whether it runs there."""
    return sh(node, "virsh domstate courier", check=False).text.strip() == "running"


def slowly(node, mib: int = SLOW) -> None:
    """No faster than this, MiB/s."""
    sh(node, f"virsh migrate-setspeed courier {mib}")


def parameters(node, seconds: float = 60) -> dict:
    """What QEMU itself says of the migration that is under way on this node."""
    end = monotonic() + seconds
    while monotonic() < end:
        under_way = "Time elapsed" in sh(node, "virsh domjobinfo courier", check=False).text
        said = sh(node, _LOOK, check=False)
        if under_way and said.code == 0 and json.loads(said.text)["return"].get("tls-creds"):
            return json.loads(said.text)["return"]
        pause(0.3)
    return {}


@contextmanager
def listening(whole: lab.Lab, number: int, folder: Path) -> Iterator[Path]:
    """Keep what this node's management wire carries to the ports of migration; gives the file."""
    file = folder / "stream.bin"
    file.with_suffix(".state").unlink(missing_ok=True)
    script = [sys.executable, str(Path(__file__).with_name("wiretap.py")), f"n{number}-mgmt"]
    argv = whole.inside("mgmt", *script, *map(str, PORTS), str(file))
    tap = processes.spawn(LocalHost(), argv, folder / "tap.pid", log=folder / "tap.log")
    try:
        end = monotonic() + 30
        while not file.with_suffix(".state").exists():
            assert monotonic() < end, processes.tail(folder / "tap.log")
            pause(0.1)
        yield file
    finally:
        tap.end()
