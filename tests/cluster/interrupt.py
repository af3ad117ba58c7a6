"""Kills the worker of a real node in the middle of a job, at a seeded boundary, and sees the job to its right end.

    with interrupted(three.home, "node.join"):
        three.join(1)

`HBOX_CRASH_SEED` chooses where; each use of a kind in one run falls somewhere else.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import monotonic, pause
from appliance.host import Host
from tests.cluster.mortal import FELL, ORDER, PLACE
from tests.sampling import SEED

SCRIPT = Path(__file__).with_name("mortal.py")
UNIT = "hbox-worker.service"
DROP_IN = f"/run/systemd/system/{UNIT}.d/interrupt.conf"
INSIDE = f"{PLACE}/mortal.py"  # /root is hidden from the unit
_OWN = f"""[Service]
ExecStart=
ExecStart=/usr/lib/hbox/venv/bin/python {INSIDE}
"""
_TAKE_OVER = f"systemctl daemon-reload && systemctl restart {UNIT}"
_GIVE_BACK = f"rm -rf {DROP_IN} {PLACE} && {_TAKE_OVER}"
_used: Counter[str] = Counter()


@dataclass(frozen=True)
class Interrupted:
    """Where the worker died, and the job as `hbox job show` has it at the end."""

    step: str
    phase: str
    job: dict


@contextmanager
def interrupted(
    home: Host,
    kind: str,
    *,
    at: tuple[str, str] | None = None,
    ends: str = "succeeded",
) -> Iterator[list[Interrupted]]:
    """The worker dies once in the next job of this kind, which must be asked for and ended within.

    `at`: (step, phase) instead of the seed's choice; the phases are those of `Boundary`, and `within`
    for a while after the step has begun. `ends`: the state that the job must come to (for a death on
    the way back, which only `at` can name). Where it fell is in the list afterwards.
    """
    _used[kind] += 1
    order = {
        "kind": kind,
        "seed": f"{SEED} {kind} {_used[kind]}",
        "at": at,
        "waits": False,
    }
    _arm(home, order)
    found: list[Interrupted] = []
    try:
        yield found
        found.append(_judged(home, ends))
    finally:
        home.run(["rm", "-f", str(ORDER), str(FELL)])


@contextmanager
def held(home: Host, kind: str, *at: str) -> Iterator[Callable[[], str]]:
    """The next job of this kind waits at the boundary `at` (step, phase) until the end of this.

    What is given waits until the job has come there, and returns its id.
    """
    _arm(home, {"kind": kind, "seed": "", "at": at, "waits": True})

    def there(limit: float = 120.0) -> str:
        end = monotonic() + limit
        while home.run(["test", "-e", str(FELL)], check=False).code != 0:
            assert monotonic() < end, f"no {kind} came to {at}"
            pause(0.2)
        return json.loads(home.read(str(FELL)))["job"]

    try:
        yield there
    finally:
        home.run(["rm", "-f", str(ORDER), str(FELL)])


def give_back(home: Host) -> None:
    """Let the node run its own worker again."""
    home.run(["sh", "-euc", _GIVE_BACK])


def _arm(home: Host, order: dict) -> None:
    if home.run(["test", "-e", DROP_IN], check=False).code != 0:
        home.write(INSIDE, SCRIPT.read_bytes())
        home.write(DROP_IN, _OWN.encode())
        home.run(["sh", "-euc", _TAKE_OVER])
        _ready(home)
    home.run(["rm", "-f", str(FELL)])
    home.write(str(ORDER), json.dumps(order).encode())


def _ready(home: Host, limit: float = 60.0) -> None:
    """Wait until the worker that was put in has come up."""
    end = monotonic() + limit
    log = ["journalctl", "-u", UNIT, "-o", "cat", "-n", "2", "--no-pager"]
    while "worker ready" not in (said := home.run(log).text):
        assert monotonic() < end, said
        pause(0.5)


def _judged(home: Host, ends: str) -> Interrupted:
    fell = json.loads(home.read(str(FELL)))
    job = shown(home, fell["job"])
    where = f"{job['kind']} at {fell['step']} {fell['phase']}"
    assert job["resumed"] >= 1, f"{where}: nobody went on with it"
    assert job["state"] == ends, f"{where}: {job['state']} {job['error']}"
    left = home.run(["sh", "-c", "ls /var/lib/hbox/worker/*.jsonl 2>/dev/null; true"]).text
    assert fell["job"] not in left, f"{where}: the ledger still has it"
    sys.stderr.write(f"  worker killed in {where}; {job['seconds']} s in all\n")
    return Interrupted(fell["step"], fell["phase"], job)


def shown(home: Host, job: str, limit: float = 60.0) -> dict:
    """A job as the CLI shows it; a web process that is just starting again is waited for."""
    end = monotonic() + limit
    argv = ["hbox", "job", "show", job, "--format", "json"]
    while (said := home.run(argv, check=False)).code != 0:
        assert monotonic() < end, said.err
        pause(1)
    return json.loads(said.text)
