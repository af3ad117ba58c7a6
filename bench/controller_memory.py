"""controller.memory: PSS of web and worker together after 100 requests; goal 150 MB."""

import time

from bench.figure import Figure
from bench.node import node

GOAL = 150
_ASK = (
    "import http.client,socket\n"
    "class C(http.client.HTTPConnection):\n"
    "    def connect(self):\n"
    "        self.sock=socket.socket(socket.AF_UNIX); self.sock.connect('/run/hbox/api.sock')\n"
    "paths=['status','vms','jobs','modules','nodes','gateway/transfers','compliance/runs']\n"
    "for n in range(100):\n"
    "    c=C('localhost'); c.request('GET','/api/v1/'+paths[n%len(paths)])\n"
    "    r=c.getresponse(); r.read(); assert r.status==200,(r.status,n); c.close()\n"
)


def run() -> list[Figure]:
    with node() as box:
        box.run(["runuser", "-u", "hbox-sys", "--", "/usr/lib/hbox/venv/bin/python", "-c", _ASK])
        parts = {unit: _pss(box, unit) for unit in ("hbox-web", "hbox-worker")}
    conditions = {"goal": GOAL, "requests": 100, **{k: round(v, 1) for k, v in parts.items()}}
    return [Figure("controller.memory", "MB", [sum(parts.values())], conditions=conditions)]


def _pss(box, unit: str) -> float:
    rollups = [box.read(f"/proc/{pid}/smaps_rollup").decode() for pid in _settled(box, unit)]
    lines = [line for rollup in rollups for line in rollup.splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def _settled(box, unit: str) -> list[str]:
    """The unit's processes, once the start's own probe (a short-lived QEMU) has ended."""
    group = box.run(["systemctl", "show", "-p", "ControlGroup", "--value", unit]).text.strip()
    script = f"cat $(find /sys/fs/cgroup -path '*{group}/cgroup.procs' | head -1)"
    for _ in range(60):
        pids = box.run(["sh", "-c", script]).text.split()
        if len(pids) == 1:
            return pids
        time.sleep(1)
    raise AssertionError(f"{unit} still has children: they would be counted as its own")
