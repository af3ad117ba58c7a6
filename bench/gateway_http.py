"""Messages per second through the gateway, durable, against the same chain without a journal.

Real processes in real namespaces: 16 connections, closed loop, a 2 KB FHIR Appointment that crosses,
is answered by a bare server on the far side and comes back.
The chain without a journal exists only here: the product has no such switch.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

import httptools
import uvloop

ROOT = Path(__file__).resolve().parent.parent
FILE = str(Path(__file__).resolve())
CONNECTIONS, SIZE, SECONDS, RUNS = 16, 2048, 5.0, 3


def message() -> bytes:
    """Return an Appointment of SIZE bytes; what may not cross is about a tenth of it."""
    told = {
        "resourceType": "Appointment", "id": "a1", "status": "proposed",
        "start": "2026-11-30T09:00:00+08:00", "slot": [{"reference": "Slot/s1"}],
        "comment": "x" * 200, "description": "",
    }  # fmt: skip
    told["description"] = "复" * ((SIZE - len(json.dumps(told, ensure_ascii=False).encode())) // 3)
    return json.dumps(told, ensure_ascii=False).encode()


class Upstream(asyncio.Protocol):
    """The far side: answers every request with the same Appointment."""

    ANSWER = b'{"resourceType":"Appointment","id":"a1","status":"booked"}'
    SAID = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)

    def connection_made(self, transport):
        self.transport, self.parser = transport, httptools.HttpRequestParser(self)

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_message_complete(self):
        self.transport.write(self.SAID)


async def upstream(address: str) -> None:
    """Serve until killed."""
    await asyncio.get_running_loop().create_server(Upstream, address, 8080)
    await asyncio.Event().wait()


async def load(address: str) -> None:
    """Ask on CONNECTIONS connections for SECONDS after one of warm-up; print what was seen."""
    body = message()
    head = f"POST /fhir/Appointment HTTP/1.1\r\nHost: g\r\nContent-Length: {len(body)}\r\n\r\n"
    request, seen, bad = head.encode() + body, [], []
    loop = asyncio.get_running_loop()
    begin, end = loop.time() + 1, loop.time() + 1 + SECONDS

    async def one() -> None:
        reader, writer = await asyncio.open_connection(address, 8080)
        while (start := loop.time()) < end:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if not answer.startswith(b"HTTP/1.1 200"):
                bad.append(answer[:30].decode())
            elif start >= begin:
                seen.append((loop.time() - start) * 1000)
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    cuts = statistics.quantiles(seen, n=100)
    told = {"rate": len(seen) / SECONDS, "p50": cuts[49], "p99": cuts[98], "bad": bad[:3]}
    sys.stdout.write(json.dumps(told))


def forgetful_guard() -> None:
    """Run the product's guard with a journal that writes nothing."""
    from network.gateway import guard  # noqa: PLC0415
    from network.gateway.journal import Journal  # noqa: PLC0415

    class Forgetful(Journal):
        def append(self, facts, body=b""):
            written = super().append(facts, body)
            self._waiting.clear()
            return written

        def commit(self):
            return

    guard.Journal = Forgetful
    guard.main()


def forgetful_launcher(layout: str) -> None:
    """Run the product's launcher with that guard."""
    from network.gateway.launcher import PROGRAMS, Launcher, read_layout  # noqa: PLC0415

    programs = {**PROGRAMS, "guard": (FILE, "--forgetful-guard")}
    Launcher(read_layout(Path(layout)), programs).run()


def measure(*script: str) -> dict:
    """Start a fresh gateway, load it once, return what the load saw."""
    sys.path.insert(0, str(ROOT))
    from appliance.host import LocalHost, start  # noqa: PLC0415
    from network.gateway.channel import Channel  # noqa: PLC0415
    from tests.netns import world as w  # noqa: PLC0415

    channel = Channel(
        "bench", "extranet->intranet", "request", w.EXT_MODULE,
        f"http://{w.INT_MODULE}:8080", "bench", "bench", "bench", method="POST", path="/fhir/Appointment",
        request=(*(f for f in w.APPOINTMENT if f.path != "description"),
                 w.Field("description", "string", longest=2000)),
        response=w.APPOINTMENT, rate=10_000_000,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as folder:
        world = w.World(Path(folder))
        far = None
        try:
            inside = ["nsenter", f"--net=/run/netns/{world.machines['int']}", sys.executable, FILE]
            far = start([*inside, "--upstream", w.INT_MODULE])
            world.issue(channel)
            world.start(*script)
            outside = ["nsenter", f"--net=/run/netns/{world.machines['ext']}", sys.executable, FILE]
            target = world.plan.extranet.leg_address
            return json.loads(LocalHost().run([*outside, "--load", target]).out)
        finally:
            if far:
                far.end()
            world.close()


def run() -> list:
    """Measure both in turns."""
    from bench.figure import Figure  # noqa: PLC0415

    ours, peer = [], []
    for _ in range(RUNS):
        ours.append(measure())
        peer.append(measure(FILE, "--forgetful-launcher"))
    refused = [text for told in ours + peer for text in told["bad"]]
    assert not refused, refused
    conditions = {
        "virtualisation": "none (namespaces)",
        "load": f"{CONNECTIONS} connections, closed loop, load and far side on the same cores",
        "durability": "fdatasync before every crossing, both ways",
        "size": len(message()),
        "seconds": SECONDS,
        "p50_ms": round(statistics.median(told["p50"] for told in ours), 2),
        "p99_ms": round(statistics.median(told["p99"] for told in ours), 2),
        "peer_p99_ms": round(statistics.median(told["p99"] for told in peer), 2),
    }
    rates = [[told["rate"] for told in runs] for runs in (ours, peer)]
    return [
        Figure(
            bench="gateway.http",
            unit="messages/s",
            ours_runs=rates[0],
            peer_name="the same chain without a journal",
            peer_runs=rates[1],
            higher_is_better=True,
            conditions=conditions,
        )
    ]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--upstream", address]:
            uvloop.run(upstream(address))
        case ["--load", address]:
            uvloop.run(load(address))
        case ["--forgetful-guard", *rest]:
            sys.argv = [sys.argv[0], *rest]
            forgetful_guard()
        case ["--forgetful-launcher", "--layout", layout]:
            forgetful_launcher(layout)
        case other:
            sys.exit(f"start it with `make bench`; not understood: {other}")
