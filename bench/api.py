"""api.list: 1,000 machines over TLS, against reading the same rows and rendering them in one process; api.get: one."""

import http.client
import json
import sqlite3
import time

from bench.controller_thousand import MACHINES, Controller, running
from bench.figure import Figure

RUNS = 200
TARGET = 3.0
LIST_GOAL, GET_GOAL = 50.0, 10.0  # ms, the 99th of a hundred


def run() -> list[Figure]:
    ours: list[float] = []
    peer: list[float] = []
    one: list[float] = []
    with running(worker=False) as box:
        line = http.client.HTTPSConnection("127.0.0.1", box.port, context=box.context, timeout=30)
        database = sqlite3.connect(f"file:{box.database}?mode=ro", uri=True)
        for turn in range(RUNS + 5):
            took = _timed(lambda: _asked(line, box, "/api/v1/vms"))
            theirs = _timed(lambda: _rendered(database))
            single = _timed(lambda n=turn: _asked(line, box, f"/api/v1/vms/vm-{n:04}"))
            if turn >= 5:  # the first ones fill caches on both sides
                ours.append(took)
                peer.append(theirs)
                one.append(single)
        size = len(_asked(line, box, "/api/v1/vms"))
        line.close()
        database.close()
    how = {
        "machines": MACHINES,
        "over": "one TLS connection on loopback, API token, its own process",
    }
    lists = {**how, "goal_p99": LIST_GOAL, "p99": _p99(ours), "bytes": size, "records": "sqlite"}
    gets = {**how, "goal_p99": GET_GOAL, "p99": _p99(one), "records": "sqlite"}
    name = "sqlite3 rows of the same table + json.dumps, one process, interleaved"
    return [
        Figure("api.list", "ms", ours, name, peer, TARGET, conditions=lists),
        Figure("api.get", "ms", one, conditions=gets),
    ]


def _asked(line: http.client.HTTPSConnection, box: Controller, address: str) -> bytes:
    line.request("GET", address, headers={"Authorization": f"Bearer {box.key}"})
    got = line.getresponse()
    data = got.read()
    assert got.status == 200, data
    return data


def _rendered(database: sqlite3.Connection) -> bytes:
    cursor = database.execute("SELECT * FROM vms ORDER BY name LIMIT 1000")
    names = [column[0] for column in cursor.description]
    items = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(items) == MACHINES
    return json.dumps({"items": items}, ensure_ascii=False).encode()


def _timed(deed) -> float:
    began = time.perf_counter()
    deed()
    return (time.perf_counter() - began) * 1000


def _p99(runs: list[float]) -> float:
    return round(sorted(runs)[int(len(runs) * 0.99)], 2)
