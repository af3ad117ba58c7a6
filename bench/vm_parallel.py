"""vm.parallel: fifty machines at once from one template, made and started, against a plain libvirt script."""

from pathlib import Path

from bench.figure import Figure
from bench.node import box, node
from controller.jobs.runner import SLOTS

COUNT, RUNS, TARGET = 50, 3, 1.15
PYTHON = "/usr/lib/hbox/venv/bin/python"
FOLDER = "/var/lib/libvirt/images/bench-many"
# A boot sector that stops the processor for good: the machine runs, and costs nothing.
TINY = b"\xfa\xf4\xeb\xfd" + bytes(506) + b"\x55\xaa" + bytes(2**20 - 512)


def run() -> list[Figure]:
    here = Path(__file__).parent
    ours: dict[str, list[float]] = {"make": [], "drop": []}
    peer: dict[str, list[float]] = {"make": [], "drop": []}
    with node() as inside:
        for name in ("vm_peer.py", "vm_ask.py"):
            inside.write(f"/root/{name}", (here / name).read_bytes())
        inside.write("/root/tiny.raw", TINY)
        inside.run(["qemu-img", "convert", "-O", "qcow2", "/root/tiny.raw", "/srv/tiny.qcow2"])
        inside.run(["chmod", "644", "/srv/tiny.qcow2"])  # an administrator reads it, not root
        inside.run(
            box("template import /srv/tiny.qcow2 --name tiny --version 1 --boot disk"), timeout=120
        )
        for _ in range(RUNS):
            for verb in ("make", "drop"):
                peer[verb].append(_peer(inside, verb))
            for verb in ("make", "drop"):
                ours[verb].append(_ours(inside, verb))
        inside.run(box("template remove tiny"), timeout=120)
    conditions = {
        "accelerator": "tcg", "count": COUNT, "memory_mib": 128, "started": True,
        "guest": "a boot sector that halts; no agent is waited for",
        "slots": SLOTS, "peer_threads": SLOTS, "storage": "dir, qcow2 linked clones",
        "ours_does_more": "records, audit, ledger, quotas, placement, undo; erasing overwrites",
    }  # fmt: skip
    name = "python3-libvirt + qemu-img + xorriso script, same node, interleaved"
    return [
        Figure("vm.parallel", "s", ours["make"], name, peer["make"], TARGET, conditions=conditions),
        Figure("vm.parallel-delete", "s", ours["drop"], name, peer["drop"], conditions=conditions),
    ]


def _ours(inside, verb: str) -> float:
    argv = [
        "runuser",
        "-u",
        "hbox-sys",
        "--",
        PYTHON,
        "-I",
        "/srv/vm_ask.py",
        verb,
        str(COUNT),
        "tiny",
    ]
    inside.run(["install", "-m", "644", "/root/vm_ask.py", "/srv/vm_ask.py"])
    seconds, failed = inside.run(argv, timeout=900).text.split()
    assert failed == "0", f"{failed} of {COUNT} did not succeed"
    return float(seconds)


def _peer(inside, verb: str) -> float:
    argv = [
        "/usr/bin/python3",
        "/root/vm_peer.py",
        verb,
        str(COUNT),
        str(SLOTS),
        "/srv/tiny.qcow2",
        FOLDER,
    ]
    return float(inside.run(argv, timeout=900).text)
