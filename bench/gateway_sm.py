"""国密 handshakes per second beside ECDSA by the same adapter, and what each moves in bulk.

Two processes on loopback, server and client, both with the gateway's own TLS adapter: mutual TLS 1.3,
every handshake whole (the gateway resumes none). The two kinds take turns.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
FILE = str(Path(__file__).resolve())
sys.path.insert(0, str(ROOT))
CONNECTIONS, SECONDS, RUNS, BULK = 16, 4.0, 5, 64 << 20
HOME = "127.0.0.1"
KINDS = ("sm", "tls")


def contexts(folder: str):
    """Read the identities that `prepare` made."""
    from network.gateway.suites import Contexts  # noqa: PLC0415

    return Contexts.from_json((Path(folder) / "front.json").read_bytes())


def prepare(folder: Path) -> None:
    """Make certificates of both kinds."""
    from appliance.ca import Authority  # noqa: PLC0415
    from network.gateway import certificates  # noqa: PLC0415

    authority = Authority(folder / "ca.crt", folder / "ca.key")
    authority.ensure("bench")
    certificates.ensure(folder, authority, "bench", {"front": HOME})
    (folder / "front.json").write_bytes(certificates.secrets(folder, "front"))


class Sink(asyncio.Protocol):
    """Counts what comes and says how much at the end of BULK bytes."""

    def connection_made(self, transport):
        self.transport, self.count = transport, 0

    def data_received(self, data):
        self.count += len(data)
        if self.count >= BULK:
            self.transport.write(b"!")


async def serve(folder: str) -> None:
    """Open one door per kind, print the ports, serve until killed."""
    from network.gateway.suites import assure  # noqa: PLC0415
    from network.gateway.tls import Handshakes, Manner, Secured  # noqa: PLC0415

    turns, ports, known = Handshakes(), {}, contexts(folder)
    for kind in KINDS:
        accepting = known.accepting(kind, client_cert=True)
        manner = Manner(accepting, lambda c, k=kind: assure(c, k), turns, accepts=True)
        server = await asyncio.get_running_loop().create_server(
            lambda m=manner: Secured(m, Sink), HOME, 0
        )
        ports[kind] = server.sockets[0].getsockname()[1]
    (Path(folder) / "ports.json").write_text(json.dumps(ports))
    await asyncio.Event().wait()


async def ask(folder: str, kind: str) -> None:
    """Make handshakes for SECONDS after one of warm-up, then move BULK bytes; print both figures."""
    from network.gateway.connect import Outward, connect  # noqa: PLC0415
    from network.gateway.tls import Handshakes  # noqa: PLC0415

    port = json.loads((Path(folder) / "ports.json").read_text())[kind]
    loop, peer = asyncio.get_running_loop(), f"{HOME}:{port}"
    outward = Outward(contexts(folder), Handshakes())
    seen, agreed = [], []
    begin, end = loop.time() + 1, loop.time() + 1 + SECONDS

    class Asking(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.heard = transport, loop.create_future()

        def data_received(self, _):
            self.heard.set_result(None)

    async def one() -> None:
        while (start := loop.time()) < end:
            line = await connect(Asking, peer, kind, outward)
            if start >= begin:
                seen.append((loop.time() - start) * 1000)
            agreed.append(line.transport.get_extra_info("agreed"))
            line.transport.abort()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    line = await connect(Asking, peer, kind, outward)
    start = loop.time()
    line.transport.write(bytes(BULK))
    await line.heard
    bulk = BULK / (1 << 20) / (loop.time() - start)
    line.transport.abort()
    cuts = statistics.quantiles(seen, n=100)
    said = sorted({f"{a.version} {a.cipher} {a.group}" for a in agreed})
    told = {"rate": len(seen) / SECONDS, "p50": cuts[49], "p99": cuts[98], "bulk": bulk}
    sys.stdout.write(json.dumps({**told, "agreed": said}))


def run() -> list:
    """Measure both kinds in turns."""
    from appliance.clock import pause  # noqa: PLC0415
    from appliance.host import LocalHost, start  # noqa: PLC0415
    from bench.figure import Figure  # noqa: PLC0415

    told: dict[str, list] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as name:
        folder = Path(name)
        prepare(folder)
        far = start([sys.executable, FILE, "--serve", name])
        try:
            while not (folder / "ports.json").exists():
                pause(0.05)
            pause(0.2)
            for _ in range(RUNS):
                for kind in KINDS:
                    argv = [sys.executable, FILE, "--ask", name, kind]
                    told[kind].append(json.loads(LocalHost().run(argv).out))
        finally:
            far.end()
    assert {a for t in told["sm"] for a in t["agreed"]} == {"TLSv1.3 TLS_SM4_GCM_SM3 curveSM2"}
    conditions = {
        "load": f"{CONNECTIONS} at once, closed loop, both ends on the same cores",
        "tls": "mutual, TLS 1.3, no resumption, certificates verified on both sides",
        "ours": told["sm"][0]["agreed"][0],
        "peer": told["tls"][0]["agreed"][0],
        "seconds": SECONDS,
        "p50_ms": round(statistics.median(t["p50"] for t in told["sm"]), 2),
        "p99_ms": round(statistics.median(t["p99"] for t in told["sm"]), 2),
        "peer_p99_ms": round(statistics.median(t["p99"] for t in told["tls"]), 2),
    }
    return [
        Figure(
            bench="gateway.sm",
            unit="handshakes/s",
            ours_runs=[t["rate"] for t in told["sm"]],
            peer_name="ECDSA P-256 by the same adapter",
            peer_runs=[t["rate"] for t in told["tls"]],
            higher_is_better=True,
            conditions=conditions,
        ),
        Figure(
            bench="gateway.sm.bulk",
            unit="MB/s",
            ours_runs=[t["bulk"] for t in told["sm"]],
            peer_name="AES-256-GCM by the same adapter",
            peer_runs=[t["bulk"] for t in told["tls"]],
            higher_is_better=True,
            conditions={**conditions, "load": f"{BULK >> 20} MB one way on one connection"},
        ),
    ]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", folder]:
            uvloop.run(serve(folder))
        case ["--ask", folder, kind]:
            uvloop.run(ask(folder, kind))
        case other:
            sys.exit(f"start it with `make bench`; not understood: {other}")
