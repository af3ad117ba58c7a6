"""vm.create: from asking to a guest agent that answers, against a bare qemu-img + virsh script."""

import time

from bench.figure import Figure
from bench.node import box, node

RUNS = 3
TARGET = 1.15  # ours may take this much longer than the script, which keeps no records and undoes nothing
_PEER = """set -eu; umask 022
base=/usr/share/hbox/images/guest-base; d=/var/lib/libvirt/images/bench; rm -rf $d; mkdir -p $d/seed
qemu-img create -q -f qcow2 -F qcow2 -b $base/disk.qcow2 $d/system.qcow2 4G
printf 'instance-id: bench-%s\\nlocal-hostname: peer\\n' "$1" > $d/seed/meta-data
printf '#cloud-config\\nusers: []\\n' > $d/seed/user-data
cat > $d/seed/network-config <<END
version: 2
ethernets:
  zone0: {match: {macaddress: "52:54:00:00:be:0c"}, addresses: [10.88.0.190/24], dhcp4: false}
END
xorriso -as mkisofs -quiet -volid cidata -joliet -rational-rock -output $d/seed.iso $d/seed 2>/dev/null
line=$(python3 -c 'import json; print(json.load(open("'$base'/image.json"))["cmdline"])')
cat > $d/vm.xml <<END
<domain type="qemu"><name>bench-peer</name><memory unit="MiB">512</memory><vcpu>1</vcpu>
<os><type arch="x86_64" machine="q35">hvm</type><kernel>$base/vmlinuz</kernel>
<initrd>$base/initrd.img</initrd><cmdline>$line</cmdline></os>
<features><acpi/><apic/></features><cpu mode="maximum"/><devices>
<disk type="file" device="disk"><driver name="qemu" type="qcow2" discard="unmap"/>
<source file="$d/system.qcow2"/><target dev="vda" bus="virtio"/></disk>
<disk type="file" device="disk"><driver name="qemu" type="raw"/>
<source file="$d/seed.iso"/><target dev="vdb" bus="virtio"/><readonly/></disk>
<interface type="bridge"><mac address="52:54:00:00:be:0c"/><source bridge="br-ext"/>
<model type="virtio"/></interface>
<serial type="file"><source path="$d/console.log"/></serial>
<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
<rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
<memballoon model="virtio"/></devices></domain>
END
virsh -q define $d/vm.xml >/dev/null; virsh -q start bench-peer >/dev/null
until virsh qemu-agent-command bench-peer '{"execute":"guest-ping"}' >/dev/null 2>&1; do sleep 0.5; done
"""
_PEER_GONE = "virsh -q destroy bench-peer; virsh -q undefine bench-peer; rm -rf /var/lib/libvirt/images/bench"


def run() -> list[Figure]:
    ours: list[float] = []
    peer: list[float] = []
    with node() as here:
        for turn in range(RUNS):
            ours.append(_ours(here, f"bench-{turn}"))
            peer.append(_peer(here, turn))
    conditions = {
        "accelerator": "tcg", "vcpus": 1, "memory_mib": 512, "disk_gib": 4,
        "measured": "wall time of one command in the node until the guest agent answers",
    }  # fmt: skip
    name = "qemu-img + xorriso + virsh script, same node, interleaved"
    return [Figure("vm.create", "s", ours, name, peer, TARGET, conditions=conditions)]


def _ours(here, name: str) -> float:
    began = time.monotonic()
    here.run(box(f"vm create {name} --zone extranet --disk 4"), timeout=600)
    seconds = time.monotonic() - began
    here.run(box(f"vm delete {name}"), timeout=120)
    return seconds


def _peer(here, turn: int) -> float:
    began = time.monotonic()
    here.run(["sh", "-c", _PEER, "peer", str(turn)], timeout=600)
    seconds = time.monotonic() - began
    here.run(["sh", "-c", _PEER_GONE])
    return seconds
