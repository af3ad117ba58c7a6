"""controller.memory1000: PSS of web and worker together with 1,000 machines known; goal 200 MB."""

import http.client
import sys
import time
from pathlib import Path

from bench.controller_thousand import MACHINES, Controller, running
from bench.figure import Figure

GOAL = 200
REQUESTS = 100
SETTLE = 45.0  # seconds in which every chore of the worker comes round
_PATHS = ("/api/v1/status", "/api/v1/vms", "/api/v1/jobs", "/api/v1/nodes", "/metrics")


def run() -> list[Figure]:
    with running(worker=True) as box:
        began = time.monotonic()
        line = http.client.HTTPSConnection("127.0.0.1", box.port, context=box.context, timeout=60)
        for turn in range(REQUESTS):
            _ask(line, box, _PATHS[turn % len(_PATHS)])
        line.close()
        time.sleep(max(0.0, SETTLE - (time.monotonic() - began)))
        parts = {"web": _pss(box.web), "worker": _pss(box.worker or 0)}
    conditions = {
        "goal": GOAL, "machines": MACHINES, "requests": REQUESTS, "hypervisor": "fake",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}, the developer's host",
        **{name: round(value, 1) for name, value in parts.items()},
    }  # fmt: skip
    return [Figure("controller.memory1000", "MB", [sum(parts.values())], conditions=conditions)]


def _ask(line: http.client.HTTPSConnection, box: Controller, address: str) -> None:
    line.request("GET", address, headers={"Authorization": f"Bearer {box.key}"})
    got = line.getresponse()
    data = got.read()
    assert got.status == 200, data[:300]


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000
