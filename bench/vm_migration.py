"""vm.migration: how long a guest stands still while it moves, by our job and by `virsh migrate`."""

import json
import re

from appliance.clock import monotonic, pause
from bench.cluster import three
from bench.figure import Figure

RUNS, TARGET = 12, 1.05  # an even number: each goes in both directions equally often
# What our driver asks for, said to virsh: peer to peer, encrypted, the definition goes along.
FLAGS = [
    "--live",
    "--p2p",
    "--tls",
    "--persistent",
    "--undefinesource",
    "--auto-converge",
    "--verbose",
]
WORK = "nohup sh -c 'while :; do dd if=/dev/urandom of=/load bs=64k count=64 conv=fsync; done' >/dev/null 2>&1 &"


def run() -> list[Figure]:
    box = three()
    box.hbox(
        "vm", "create", "mover", "--zone", "intranet", "--storage", "rbd", "--node", box.names[1]
    )
    box.guest("mover", WORK)
    ours: list[float] = []
    peer: list[float] = []
    total: list[float] = []
    for number in range(RUNS):
        if number % 2:
            peer.append(_peer(box))
        moved = _ours(box)
        ours.append(moved["downtime_ms"])
        total.append(moved["total_ms"])
        if not number % 2:
            peer.append(_peer(box))
    box.hbox("vm", "delete", "mover")
    conditions = {
        "accelerator": "tcg", "memory_mib": 512, "storage": "rbd", "encrypted": "both, TLS",
        "load": "64 KiB writes with fsync in the guest", "ours_total_ms": total,
        "peer": "virsh migrate " + " ".join(FLAGS),
    }  # fmt: skip
    return [
        Figure(
            "vm.migration",
            "ms downtime",
            ours,
            "virsh migrate",
            peer,
            TARGET,
            conditions=conditions,
        )
    ]


def _ours(box) -> dict[str, float]:
    target = _other(box)
    said = json.loads(box.hbox("vm", "migrate", "mover", "--node", target, "--format", "json"))
    return said["result"]


def _peer(box) -> float:
    (here,) = box.where("mover")
    node = next(n for n in box.lab.nodes if n.name == here)
    there = next(n for n in box.lab.nodes if n.name == _other(box))
    ident = box.vm("mover")["id"]
    there.run(["mkdir", "-p", f"/var/lib/hbox/volumes/{ident}"])
    node.run(["virsh", "migrate", *FLAGS, ident, f"qemu+tls://{there.address}/system"], timeout=300)
    said = there.run(["virsh", "domjobinfo", "--completed", ident]).text
    found = re.search(r"Total downtime:\s+([\d.]+)\s+ms", said)
    assert found, said
    _accepted(box)
    return float(found[1])


def _accepted(box) -> None:
    """Have the controller take the machine's new place for what is wished, once it has seen it."""
    end = monotonic() + 90
    while not box.vm("mover")["drift"]:
        assert monotonic() < end, "the move behind the controller's back was not seen"
        pause(0.5)
    box.hbox("vm", "accept", "mover")


def _other(box) -> str:
    (here,) = box.where("mover")
    return next(name for name in box.names[1:] if name != here)
