"""A good peer among a thousand slow or idle connections of others; one peer and its share."""

import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from OpenSSL import SSL

from appliance.clock import monotonic, pause
from appliance.host import start
from network.gateway.channel import Channel, Part
from network.gateway.suites import SUITES, Identity, context
from tests.netns.secured import Reader, connected, identities
from tests.netns.world import (
    APPOINTMENT,
    CHANNELS,
    EXT_MODULE,
    INT_MODULE,
    RUN,
    STATED,
    World,
    read_reply,
)

pytestmark = [pytest.mark.netns, pytest.mark.timeout(400)]

BOOKED = {"resourceType": "Appointment", "status": "proposed", "description": "复诊"}


def timed(world: World, count: int, request: bytes, port: int, made: SSL.Context | None) -> list:
    """Ask `count` times on one connection; return each time in milliseconds, sorted."""
    took = []
    with connected(world, port) as plain:
        if made is None:
            file, send = plain.makefile("rb"), plain.sendall
        else:
            line = SSL.Connection(made, plain)
            line.set_connect_state()
            line.do_handshake()
            file, send = Reader(line), line.sendall
        with file:
            for _ in range(count):
                began = monotonic()
                send(request)
                assert read_reply(file).status == 200
                took.append((monotonic() - began) * 1000)
    return sorted(took)


SLOW = str(Path(__file__).with_name("slow.py"))
BENCH = str(Path(__file__).parents[2] / "bench" / "gateway_http.py")
LOADS = {
    "half-sent heads": ("head:8080:1000",),
    "idle after a request": ("idle:8080:1000",),
    "handshakes begun": ("hello:8443:500", "silent:8443:500"),
    "half-sent MLLP frames": ("mllp:2575:1000",),
    "all of them": ("head:8080:300", "idle:8080:200", "hello:8443:200", "mllp:2575:300"),
}
ROUNDS, ASKS, TRIES = 3, 200, 3
SLOWER = 3.0  # times the p99 of a good peer alone


def crowded(world: World) -> dict[str, dict[str, Identity]]:
    """Issue a policy with one request lane in the clear and one by sm, and an MLLP door."""
    known = identities(world)
    lane = Channel(
        "good", "extranet->intranet", "request", EXT_MODULE, f"http://{INT_MODULE}:8080", **STATED,
        method="POST", path="/fhir/Appointment", request=APPOINTMENT, response=APPOINTMENT,
        rate=10_000_000,
    )  # fmt: skip
    mllp = Channel(
        "mllp", "extranet->intranet", "store", EXT_MODULE, f"mllp://{INT_MODULE}:2575", **STATED,
        protocol="hl7v2", port=2575, types=("SIU^S12",), parts=(Part("SCH-1"),),
    )  # fmt: skip
    world.issue(lane, replace(lane, id="good-sm", port=8443, tls="sm"), mllp, CHANNELS[2])
    return known


def crowd(world: World, other: str, sources: list[str], load: tuple, measured) -> list[tuple]:
    """Measure each way alone, then among the load; return rows of the table."""
    name, wanted = load
    alone = measured()
    said = world.folder / "slow.log"
    said.write_text("")
    slow = start(
        ["nice", "-n", "19", "nsenter", f"--net=/run/netns/{other}", sys.executable, SLOW,
         world.plan.extranet.leg_address, ",".join(sources), *wanted], log=said,
    )  # fmt: skip
    try:
        world.until(lambda: int((said.read_text().split() or ["0"])[-1]) >= 1000)
        among = measured()
        open_then = int(said.read_text().split()[-1])
    finally:
        slow.end(patience=0.5)
    rows = []
    for way in among:
        p99 = [took[int(ASKS * 0.99)] for took in (alone[way], among[way])]
        p50 = [statistics.median(took) for took in (alone[way], among[way])]
        rows.append((name, way, open_then, *p50, *p99, p99[1] / p99[0]))
    pause(0.5)
    return rows


def test_a_good_peer_among_a_thousand_slow_ones(world, capsys):
    known = crowded(world)
    other = world.machine("x2", world.plan.extranet.bridge, "10.88.0.21")
    sources = [f"10.88.0.{n}" for n in range(21, 25)]
    for address in sources[1:]:
        RUN(["ip", "-n", other, "addr", "add", f"{address}/24", "dev", "eth0"])
    body = json.dumps(BOOKED).encode()
    request = (
        f"POST /fhir/Appointment HTTP/1.1\r\nHost: g\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    enter = ["nsenter", f"--net=/run/netns/{world.machines['int']}"]
    far = start([*enter, sys.executable, BENCH, "--upstream", INT_MODULE])
    ways = {"http": (8080, None), "sm": (8443, context(SUITES["sm"], known["module"]["sm"]))}
    table = []
    try:
        world.start()
        world.until(world.speaks)
        timed(world, 50, request, 8080, None)

        def measured():
            return {
                name: min(
                    (timed(world, ASKS, request, *way) for _ in range(ROUNDS)),
                    key=lambda took: took[int(ASKS * 0.99)],
                )
                for name, way in ways.items()
            }

        for load, wanted in LOADS.items():
            # What else the machine does can only slow a peer down, so a bad figure is taken again.
            for _ in range(TRIES):
                rows = crowd(world, other, sources, (load, wanted), measured)
                if all(row[-1] <= SLOWER for row in rows):
                    break
            table += rows
    finally:
        far.end()
    lines = [
        "",
        "open beside it          way   open   p50 alone/among   p99 alone/among (ms)  ratio",
    ]
    lines += [
        f"{load:22}  {name:4} {count:6}   {p50:6.2f} {p50_among:6.2f}     {p99:6.2f} {p99_among:6.2f}"
        f"          {ratio:5.2f}"
        for load, name, count, p50, p50_among, p99, p99_among, ratio in table
    ]
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
    assert all(row[2] >= 900 for row in table)
    assert [row for row in table if row[-1] > SLOWER] == []


def test_one_peer_takes_its_share_and_no_more(world):
    known = crowded(world)
    world.start()
    world.until(world.speaks)
    enter = ["nsenter", f"--net=/run/netns/{world.machines['ext']}", sys.executable, SLOW]
    said = world.folder / "slow.log"
    slow = start([*enter, world.plan.extranet.leg_address, EXT_MODULE, "silent:8080:700", "hello:8443:700"], log=said)  # fmt: skip
    try:
        world.until(lambda: int((said.read_text().split() or ["0"])[-1]) >= 1000)
        # A refused one is open for a moment and tries again: how many such are seen depends on the machine.
        world.until(lambda: 1000 <= int(said.read_text().split()[-1]) <= 1150)
        world.machines["ext"] = world.machine("x3", world.plan.extranet.bridge, "10.88.0.33")
        assert world.ask("ext", "GET", "/fhir/Slot").status == 403  # another peer is heard
        _ = known
    finally:
        slow.end(patience=0.5)
