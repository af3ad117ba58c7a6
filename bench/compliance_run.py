"""compliance.run: seconds of one run over a one-node box, asked and waited for by the command line."""

from time import monotonic

from bench.figure import Figure
from bench.node import box as command
from bench.node import node


def run() -> list[Figure]:
    seconds = []
    with node() as box:
        for _ in range(3):
            began = monotonic()
            box.run(command("compliance run"), timeout=300)
            seconds.append(monotonic() - began)
    conditions = {"goal": 60, "objects": "host, hypervisor, boundary, controller; no VM"}
    return [Figure("compliance.run", "s", seconds, conditions=conditions)]
