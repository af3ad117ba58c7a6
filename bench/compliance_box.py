"""compliance.box: the whole one-node box, from asking to the signed report, with and without its forms for people."""

import json
from time import monotonic

from bench.figure import Figure
from bench.node import box as command
from bench.node import node
from compliance import sandbox

RUNS = 3
GOAL = 60  # seconds for what a person waits for: verdicts, workbook, PDF, signature


def run() -> list[Figure]:
    """Measure what a person waits for, and the inspection alone."""
    whole, alone = [], []
    with node() as box:
        for _ in range(RUNS):
            began = monotonic()
            box.run(command("compliance run"), timeout=600)
            whole.append(monotonic() - began)
            began = monotonic()
            box.run(sandbox.argv("示范医院"), timeout=400)
            alone.append(monotonic() - began)
        made = json.loads(box.read(str(sandbox.OUT)))
    about = {"goal": GOAL, "checks": len(made["checks"]), "objects": len(made["subjects"])}
    return [
        Figure("compliance.box", "s", whole, conditions={**about, "forms": "html, xlsx, pdf, signed"}),
        Figure("compliance.box", "s", alone, conditions={**about, "forms": "none: verdicts and evidence only"}),
    ]  # fmt: skip
