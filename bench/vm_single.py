"""vm.single: one machine, ours against virt-clone (not started) and against vagrant-libvirt (until it answers).

The peers run under a libvirtd of the bench's own on this machine (its Debian's libvirt and QEMU), ours in a
lab node (Debian 13): same cores, same kind of disk, other versions; the figures say which.
"""

import time

from appliance.host import LocalHost
from bench.figure import Figure
from bench.node import box, node
from images import build
from tests.vagrant.hypervisor import Hypervisor
from tests.vagrant.project import opened

RUNS = 3
UP = ("up", "--no-provision", "--provider=libvirt")
PACKAGES = [
    "vagrant",
    "vagrant-libvirt",
    "libvirt-daemon-system",
    "libvirt-clients",
    "dnsmasq-base",
    "virtinst",
]
_DOMAIN = """<domain type='qemu'><name>golden</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><disk type='file' device='disk'>
<driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>"""


def run() -> list[Figure]:
    _install()
    with opened() as project, node() as inside:
        made, cloned = [], []
        _golden(project.hypervisor)
        for turn in range(RUNS):
            made.append(_timed(lambda t=turn: _create(inside, t, "--stopped")))
            cloned.append(_timed(lambda t=turn: _clone(project.hypervisor, t)))
        answered = [_timed(lambda: _create(inside, 90))]
        up = [_timed(lambda: project.vagrant(*UP, timeout=1200))]
    versions = {"ours": "libvirt 11.3, QEMU 10.0", "peer": peer_version()}
    return [
        Figure("vm.single", "s", made, "virt-clone --auto-clone of the same disk, not started", cloned, 1.0,
               conditions={**versions, "disk": "guest base image; ours linked, virt-clone's a copy"}),
        Figure("vm.single-answering", "s", answered, "vagrant up of the box until ssh answers", up, 1.0,
               conditions={**versions, "guest": "ours: guest base until its agent answers; vagrant: the box's root"}),
    ]  # fmt: skip


def peer_version() -> str:
    return LocalHost().run(["libvirtd", "--version"]).text.strip()


def _install() -> None:
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    LocalHost().run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
        timeout=900,
        env=env,
    )


def _timed(deed) -> float:
    began = time.monotonic()
    deed()
    return time.monotonic() - began


def _create(inside, turn: int, *more: str) -> None:
    inside.run(
        box(f"vm create single-{turn} --zone extranet --disk 4 {' '.join(more)}"), timeout=600
    )


def _golden(peer: Hypervisor) -> None:
    disk = "/var/lib/libvirt/images/golden.qcow2"
    base = build.everything(LocalHost()).guest / "disk.qcow2"
    peer.run(["qemu-img", "convert", "-O", "qcow2", str(base), disk], timeout=300)
    definition = peer.folder / "golden.xml"
    definition.write_text(_DOMAIN.format(disk=disk))
    peer.run(["virsh", "define", str(definition)])


def _clone(peer: Hypervisor, turn: int) -> None:
    argv = [
        "virt-clone",
        "--connect",
        "qemu:///system",
        "--original",
        "golden",
        "--name",
        f"clone-{turn}",
        "--auto-clone",
    ]
    peer.run(argv, timeout=600)
