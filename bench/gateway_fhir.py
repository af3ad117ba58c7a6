"""FHIR requests per second through the gateway, inspected and durable, beside what others put there.

A 2 KB Observation is POSTed on 16 connections, closed loop, by wrk; the far side (nginx) answers 201 with
a small resource, which is inspected on its way back. Beside: nginx with ModSecurity and the OWASP core
rules, plain nginx, and our own chain with a guard that passes every byte unread. That guard exists only here.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = str(Path(__file__).resolve())
CONNECTIONS, SIZE, SECONDS, WARM, RUNS = 16, 2048, 5, 2, 3
GOAL = 2000  # req/s
LUA = """
wrk.method = "POST"
wrk.body = io.open("%s"):read("*a")
wrk.headers["Content-Type"] = "application/fhir+json"
function done(summary, latency, requests)
    io.write(string.format('\\n{"rate":%%f,"bad":%%d,"p50":%%f,"p99":%%f}\\n', summary.requests / summary.duration * 1e6,
        summary.errors.status + summary.errors.read + summary.errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def message() -> bytes:
    """Return an Observation of SIZE bytes, with decimals, Chinese text and coded components."""

    def part(code: str, value: str) -> str:
        return (
            f'{{"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}],"text":"血压"}},'
            f'"valueQuantity":{{"value":{value},"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}}}'
        )

    head = (
        '{"resourceType":"Observation","id":"o1","meta":{"lastUpdated":"2026-11-30T09:00:00.000+08:00"},'
        '"identifier":[{"system":"http://his.example/obs","value":"BP-0001"}],"status":"final",'
        '"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],'
        '"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}]},'
        '"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-11-30","performer":[{"reference":"Practitioner/d1"}],'
        '"component":['
    )
    parts: list[str] = []
    while len((head + ",".join([*parts, part("8480-6", "107.00")]) + "]}").encode()) < SIZE - 30:
        parts.append(part("8480-6", f"{100 + len(parts)}.00"))
    body = head + ",".join(parts) + '],"note":[{"text":"%s"}]}'
    room = SIZE - len((body % "").encode())
    return (body % ("复" * (room // 3) + "." * (room % 3))).encode()


def unread_guard() -> None:
    """Run the product's guard with a FHIR protocol that reads nothing."""
    from network.gateway import guard  # noqa: PLC0415
    from network.gateway.protocols import fhir  # noqa: PLC0415
    from network.gateway.protocols.base import Crossing  # noqa: PLC0415

    def ask(_plan, ask):
        return Crossing(ask.body, "POST", ask.target, fhir.JSON, kind="create", key=ask.key)

    def answer(_plan, _asked, result):
        return Crossing(result.body, content_type=fhir.JSON, status=result.status)

    fhir.FhirPlan.ask, fhir.FhirPlan.answer = ask, answer
    guard.main()


def unread_launcher(layout: str) -> None:
    """Run the product's launcher with that guard."""
    from network.gateway.launcher import PROGRAMS, Launcher, read_layout  # noqa: PLC0415

    programs = {**PROGRAMS, "guard": (FILE, "--unread-guard")}
    Launcher(read_layout(Path(layout)), programs).run()


def load(namespace: str, folder: Path, target: str) -> dict:
    """Ask for WARM, then for SECONDS; return what wrk saw."""
    from bench.debs import libraries, unpacked  # noqa: PLC0415

    (folder / "body").write_bytes(message())
    script = folder / "post.lua"
    script.write_text(LUA % (folder / "body"))
    root = unpacked("wrk")
    argv = [
        "nsenter",
        f"--net=/run/netns/{namespace}",
        str(root / "usr/bin/wrk"),
        "-t1",
        f"-c{CONNECTIONS}",
        "-s",
        str(script),
    ]
    for seconds in (WARM, SECONDS):
        out = subprocess.run(
            [*argv, f"-d{seconds}", f"http://{target}/fhir/Observation"],
            env=libraries(root),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return json.loads(out.strip().splitlines()[-1])


def ours(*script: str) -> dict:
    """Start a fresh gateway, load it once, return what the load saw."""
    from bench import waf  # noqa: PLC0415
    from network.gateway.channel import Channel, Resource  # noqa: PLC0415
    from tests.netns import world as w  # noqa: PLC0415

    channel = Channel(
        "bench", "extranet->intranet", "request", w.EXT_MODULE, f"http://{w.INT_MODULE}:8080", "bench", "bench", "bench",
        protocol="fhir", path="/fhir", resources=(Resource("Observation", ("create",), whole=True),), rate=10_000_000,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as folder:
        world = w.World(Path(folder))
        far = None
        try:
            far = waf.upstream(world.machines["int"], Path(folder) / "far", w.INT_MODULE)
            world.issue(channel)
            world.start(*script)
            return load(
                world.machines["ext"], Path(folder), f"{world.plan.extranet.leg_address}:8080"
            )
        finally:
            if far:
                far.close()
            world.close()


def theirs(*, inspects: bool) -> dict:
    """Load nginx in a namespace of its own, everything on its loopback."""
    from bench import waf  # noqa: PLC0415

    name = f"hbox-bench-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as folder:
        started = []
        try:
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
            place = Path(folder)
            place.chmod(0o755)
            started.append(waf.upstream(name, place / "far", "127.0.0.1"))
            started.append(
                waf.proxy(name, place / "near", inspects=inspects, workers=os.cpu_count() or 1)
            )
            _stands(name, inspects=inspects)
            return load(name, place, "127.0.0.1:8081")
        finally:
            for one in started:
                one.close()
            subprocess.run(["ip", "netns", "del", name], check=True)


def _stands(namespace: str, *, inspects: bool) -> None:
    """Wait until the proxy answers; see that it blocks an attack exactly when it inspects."""
    from appliance.clock import monotonic, pause  # noqa: PLC0415

    end = monotonic() + 20
    while (status := _status(namespace)) == 0:
        assert monotonic() < end, "nginx did not start"
        pause(0.1)
    assert status == (403 if inspects else 201), status


def _status(namespace: str) -> int:
    """Return what an attack in a text is answered with, 0 when nobody listens."""
    attack = (
        "import http.client as h, sys\n"
        "c = h.HTTPConnection('127.0.0.1', 8081, timeout=10)\n"
        "try: c.request('POST', '/fhir/Observation', '{\"a\":\"<script>alert(1)</script>\"}', {'Content-Type': 'application/fhir+json'})\n"
        "except ConnectionRefusedError: sys.exit(print(0))\n"
        "print(c.getresponse().status)\n"
    )
    argv = ["nsenter", f"--net=/run/netns/{namespace}", sys.executable, "-c", attack]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def run() -> list:
    """Measure all four in turns."""
    from bench.figure import Figure  # noqa: PLC0415

    sys.path.insert(0, str(ROOT))
    seen: dict[str, list[dict]] = {"ours": [], "unread": [], "waf": [], "nginx": []}
    for _ in range(RUNS):
        seen["ours"].append(ours())
        seen["unread"].append(ours(FILE, "--unread-launcher"))
        seen["waf"].append(theirs(inspects=True))
        seen["nginx"].append(theirs(inspects=False))
    refused = {name: [told["bad"] for told in runs] for name, runs in seen.items()}
    assert not any(sum(bad) for bad in refused.values()), refused
    conditions = {
        "virtualisation": "none (namespaces)",
        "load": f"wrk, {CONNECTIONS} connections, closed loop, load and far side on the same cores",
        "durability": "ours: fdatasync before every crossing, both ways, bodies sealed; nginx: none",
        "tls": "none",
        "policy": "Observation whole (R4 definitions), personal numbers, markup; both ways",
        "peer": "nginx on loopback, a worker per core; ours across two bridges and four namespaces",
        "size": len(message()),
        "seconds": SECONDS,
        "goal": GOAL,
        **{
            f"{name}_p99_ms": round(statistics.median(t["p99"] for t in runs), 2)
            for name, runs in seen.items()
        },
    }
    figure = Figure(
        bench="gateway.fhir",
        unit="requests/s",
        ours_runs=[told["rate"] for told in seen["ours"]],
        higher_is_better=True,
        conditions=conditions,
    )
    peers = {
        "waf": ("nginx with ModSecurity and the OWASP core rules, blocking, paranoia 1", 15.0),
        "unread": ("our own chain without inspection", 0.7),
        "nginx": ("plain nginx", None),
    }
    return [
        replace(
            figure, peer_name=name, peer_runs=[told["rate"] for told in seen[key]], target=target
        )
        for key, (name, target) in peers.items()
    ]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--unread-guard", *rest]:
            sys.argv = [sys.argv[0], *rest]
            unread_guard()
        case ["--unread-launcher", "--layout", layout]:
            unread_launcher(layout)
        case other:
            sys.exit(f"start it with `make bench`; not understood: {other}")
