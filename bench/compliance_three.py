"""compliance.three: a box of three nodes against the same box before the other two joined, without forms."""

import json
import os
from time import monotonic

from bench.figure import Figure
from compliance import sandbox
from controller.workers.inspecting import KEY
from images import lab
from images.lab import LabNode
from tests.cluster.box import ThreeNodes

RUNS = 3
TARGET = 1.5
KEY_FILE = f"/var/lib/hbox/keys/{KEY}"


def run() -> list[Figure]:
    """One node, then three; all three share this machine's cores here, as no hospital's nodes do."""
    up = lab.up(f"three{os.getpid()}", nodes=3, console_port=None, patience=400)
    try:
        box = ThreeNodes(up)
        box.wait()
        one = [_seconds(box.home, "") for _ in range(RUNS)]
        box.join(1)
        box.join(2)
        box.hbox("compliance", "run")  # it lays the list of nodes
        three = [_seconds(box.home, KEY_FILE) for _ in range(RUNS)]
        made = json.loads(box.home.read(str(sandbox.OUT)))
    finally:
        up.down()
    unseen = [one["id"] for one in made["checks"] if "没有得到回答" in one["reason"]["zh"]]
    conditions = {
        "objects": [one["ref"] for one in made["subjects"]],
        "checks": len(made["checks"]),
        "unanswered": len(unseen),
        "cores": "the three nodes share the cores of one machine",
    }
    return [Figure("compliance.three", "s", three, "one node", one, TARGET, conditions=conditions)]


def _seconds(home: LabNode, key: str) -> float:
    began = monotonic()
    home.run(sandbox.argv("示范医院", key=key), timeout=500)
    return monotonic() - began
