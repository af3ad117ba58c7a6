"""controller.recovery: seconds from `kill -9` of web and of worker until each does its work again."""

import time

from bench.figure import Figure
from bench.node import box, node

RUNS = 5
GOAL = 5.0  # seconds


def run() -> list[Figure]:
    with node() as here:
        web = [_recovered(here, "hbox-web", _web_serves) for _ in range(RUNS)]
        worker = [_recovered(here, "hbox-worker", _worker_works) for _ in range(RUNS)]
    wait = {"goal": GOAL, "note": "systemd waits RestartSec=1 of these seconds"}
    web_means = {**wait, "serves": "GET / answers over TLS"}
    worker_means = {**wait, "serves": "a VM job submitted at once has ended (define, not start)"}
    return [
        Figure("controller.recovery_web", "s", web, conditions=web_means),
        Figure("controller.recovery_worker", "s", worker, conditions=worker_means),
    ]


def _recovered(here, unit: str, works) -> float:
    before = _main_pid(here, unit)
    began = time.monotonic()
    here.run(["kill", "-KILL", before])
    works(here)
    seconds = time.monotonic() - began
    assert _main_pid(here, unit) != before, f"{unit} was not killed"
    if unit == "hbox-worker":
        here.run(box("vm delete recovery"), timeout=120)
    time.sleep(3)  # start limits count starts in ten seconds
    return seconds


def _main_pid(here, unit: str) -> str:
    return here.run(["systemctl", "show", "-p", "MainPID", "--value", unit]).text.strip()


def _web_serves(here) -> None:
    ask = "until curl -skf -o /dev/null https://localhost:8443/; do sleep 0.1; done"
    here.run(["sh", "-c", ask], timeout=60)


def _worker_works(here) -> None:
    here.run(box("vm create recovery --zone extranet --stopped"), timeout=60)
