"""HL7 v2 messages per second through the gateway, durable, beside python-hl7's server with an fsync each.

Ours is the whole chain in real namespaces: MLLP at the extranet leg, guard with journal, delivery over
MLLP to a receiver in the intranet. A message counts when the receiver has it. The peer answers from a
handler that appends the message to a file and calls fsync; it delivers nowhere and talks over loopback.
The same load generator asks both: 16 connections, one message open on each.
"""

import asyncio
import json
import os
import ssl
import statistics
import sys
import tempfile
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
FILE = str(Path(__file__).resolve())
sys.path.insert(0, str(ROOT))
CONNECTIONS, SIZE, WARM, SECONDS, RUNS = 16, 2560, 1.0, 5.0, 3
PORT = 2575
PART = "M00000000"


def message() -> bytes:
    """Return an ADT of SIZE bytes in GB18030 whose MSH-10 is PART."""
    lines = [
        (r"MSH|^~\&|HIS|第一人民医院|HBOX|F|20261122080000||ADT^A04^ADT_A01|"
        f"{PART}|P|2.5.1||||||GB 18030-2000"),
        "EVN|A04|20261122080000|||OP1^王医生",
        "PID|1||P00012345^^^H^MR~11010519491231002X^^^MOH^NI||张三丰^^^^^^L||19491231|M||汉|北京市朝阳区某某路一百号^^北京^北京^100020^CN^H||13800138000|||M||V123456",
        "PV1|1|O|门诊^1^2^H||||D001^李医生|||内科|||||||||初诊|V123456",
        "NK1|1|张小明^^^^^^L|SON^儿子|同上|13900139000",
        "AL1|1|DA|PCN^青霉素|SV|皮疹|20100101",
        "DG1|1|I10|I10.x00^高血压病^ICD10|原发性高血压|20261122|W",
        "IN1|1|YB01^职工医保|110105|北京市医疗保障局",
    ]  # fmt: skip
    number = 0
    while len("\r".join(lines).encode("gb18030")) < SIZE - 110:
        number += 1
        lines.append(
            f"OBX|{number}|NM|8480-6^收缩压^LN||1{number:02d}|mm[Hg]|90-140|N|||F|||20261122080000"
        )
    lines.append("NTE|1||")
    left = SIZE - 1 - len("\r".join(lines).encode("gb18030"))
    return ("\r".join(lines) + "x" * left + "\r").encode("gb18030")


def channel(tls: str):
    """Return the channel of the bench: most of the message crosses, the rest is left behind."""
    from network.gateway.channel import Channel, Part  # noqa: PLC0415
    from tests.netns import world as w  # noqa: PLC0415

    paths = (
        "EVN-1", "EVN-2", "PID-5", "PID-7", "PID-8", "PID-11", "PV1-2", "PV1-3", "PV1-7", "PV1-18",
        "PV1-19", "NK1-2", "NK1-3", "AL1-*", "DG1-3", "DG1-4", "IN1-2", "OBX-2", "OBX-3", "OBX-5",
        "OBX-6", "OBX-7", "OBX-8", "OBX-11", "OBX-14",
    )  # fmt: skip
    return Channel(
        "bench-hl7", "extranet->intranet", "store", w.EXT_MODULE, f"mllp://{w.INT_MODULE}:{PORT}",
        "personal", "bench", "bench", protocol="hl7v2", types=("ADT^A04",), tls=tls,
        parts=(Part("PID-3", required=True, carries=("id-card",)),
               Part("PID-13", carries=("phone",)), Part("NK1-5", carries=("phone",)),
               *(Part(path) for path in paths)),
        rate=100_000_000, queue_limit=1_000_000,
    )  # fmt: skip


class Receiver(asyncio.Protocol):
    """The far side: accepts every message, notes who came when."""

    def __init__(self, seen: dict, times: list) -> None:
        self.seen, self.times = seen, times

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        *whole, self.rest = (self.rest + data).split(b"\x1c\r")
        for frame in whole:
            ident = frame.split(b"|", 10)[9]
            self.seen[ident] = self.seen.get(ident, 0) + 1
            self.times.append(asyncio.get_running_loop().time())
            self.transport.write(b"\x0bMSH|^~\\&|R|||||ACK|1|P|2.5.1\rMSA|AA|%s\r\x1c\r" % ident)


async def receive(address: str, told: str) -> None:
    """Serve until killed; say a few times a second into the file `told` what has come."""
    loop = asyncio.get_running_loop()
    different, times = {}, []
    await loop.create_server(lambda: Receiver(different, times), address, PORT)
    while True:
        await asyncio.sleep(0.25)
        seen = {
            "count": len(times), "different": len(different),
            "seconds": times[-1] - times[0] if times else 0.0, "last": times[-1] if times else 0.0,
        }  # fmt: skip
        Path(told + ".new").write_text(json.dumps(seen))
        Path(told + ".new").replace(told)


class Sender:
    """One load: `rate` 0 is a closed loop, otherwise messages a second at fixed times."""

    def __init__(self, host: str, port: int, *, tls: bool, rate: float) -> None:
        self.host, self.port, self.rate = host, port, rate
        head, tail = message().split(PART.encode())
        self.head, self.tail = b"\x0b" + head, tail + b"\x1c\r"
        self.count, self.late, self.bad = 0, [], []
        self.context = None
        if tls:
            self.context = ssl.create_default_context()
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE
        self.loop = asyncio.get_running_loop()
        self.begin = self.loop.time() + WARM
        self.end = self.begin + SECONDS

    async def run(self) -> dict:
        await asyncio.gather(*(self._one(n) for n in range(CONNECTIONS)))
        cuts = statistics.quantiles(self.late, n=100)
        return {
            "sent": self.count, "rate": len(self.late) / SECONDS, "p50": cuts[49], "p99": cuts[98],
            "bad": self.bad[:3],
        }  # fmt: skip

    async def _one(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.context)
        every = CONNECTIONS / self.rate if self.rate else 0.0
        due = self.loop.time() + every * number / CONNECTIONS
        while (start := self.loop.time()) < self.end:
            if every:
                start, due = due, due + every
                await asyncio.sleep(max(0.0, start - self.loop.time()))
            self.count += 1
            ident = b"B%08d" % self.count
            writer.write(self.head + ident + self.tail)
            answer = await reader.readuntil(b"\x1c\r")
            if b"|AA|" + ident not in answer:
                self.bad.append(answer.decode("gb18030", "replace")[-300:])
            elif start >= self.begin:
                self.late.append((self.loop.time() - start) * 1000)
        writer.close()


async def load(host: str, port: int, *, tls: bool, rate: float) -> None:
    """Ask, and print what was seen."""
    sys.stdout.write(json.dumps(await Sender(host, port, tls=tls, rate=rate).run()))


async def peer(folder: str) -> None:
    """Serve python-hl7's server whose handler makes each message durable before it is answered."""
    from hl7.mllp import start_hl7_server  # noqa: PLC0415

    file = os.open(f"{folder}/messages", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def serve(reader, writer):
        try:
            while True:
                told = await reader.readmessage()
                os.write(file, str(told).encode("gb18030"))
                os.fsync(file)
                writer.writemessage(told.create_ack())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    await start_hl7_server(serve, "127.0.0.1", PORT, encoding="gb18030")
    Path(f"{folder}/ready").touch()
    await asyncio.Event().wait()


def _asked(argv: list[str]) -> dict:
    from appliance.host import LocalHost  # noqa: PLC0415

    told = json.loads(LocalHost().run(argv, timeout=120).out)
    assert not told["bad"], told["bad"]
    return told


def measure(*, tls: str = "none", rate: float = 0.0) -> dict:
    """Start a fresh gateway, load it once, wait until all is delivered; return what was seen."""
    from appliance.host import start  # noqa: PLC0415
    from tests.netns import world as w  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as folder:
        world = w.World(Path(folder))
        far = None
        told = Path(folder) / "received.json"
        try:
            inside = ["nsenter", f"--net=/run/netns/{world.machines['int']}", sys.executable, FILE]
            far = start([*inside, "--receive", w.INT_MODULE, str(told)])
            if tls != "none":
                from tests.netns.test_tls import identities  # noqa: PLC0415

                identities(world)
            world.issue(*w.CHANNELS, channel(tls))
            world.start()
            outside = ["nsenter", f"--net=/run/netns/{world.machines['ext']}", sys.executable, FILE]
            port = channel(tls).listens(world.plan.port)
            target = world.plan.extranet.leg_address
            seen = _asked([*outside, "--load", target, str(port), tls, str(rate)])
            world.until(lambda: json.loads(told.read_text())["count"] >= seen["sent"], 120)
            got = json.loads(told.read_text())
        except Exception as error:
            error.add_note(world.logs())
            raise
        finally:
            if far:
                far.end()
            world.close()
    assert got["different"] == seen["sent"], (got, seen)
    return {
        **seen,
        "delivered": got["count"] / got["seconds"],
        "twice": got["count"] - seen["sent"],
    }


def measure_peer(rate: float = 0.0) -> dict:
    """Start the peer, load it once; return what was seen."""
    from appliance.clock import pause  # noqa: PLC0415
    from appliance.host import start  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as folder:
        far = start([sys.executable, FILE, "--peer", folder])
        try:
            while not (Path(folder) / "ready").exists():
                assert far.alive()
                pause(0.05)
            return _asked(
                [sys.executable, FILE, "--load", "127.0.0.1", str(PORT), "none", str(rate)]
            )
        finally:
            far.end()


def _middle(runs: list[dict], key: str) -> float:
    return round(statistics.median(told[key] for told in runs), 2)


def run() -> list:
    """Measure both in turns, then ours with an open loop and with TLS."""
    from bench.figure import Figure  # noqa: PLC0415

    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(measure())
        theirs.append(measure_peer())
    steady = round(0.5 * _middle(ours, "delivered"))
    opened = measure(rate=steady)
    secured = [measure(tls="tls") for _ in range(RUNS)]
    conditions = {
        "virtualisation": "none (namespaces)",
        "load": f"{CONNECTIONS} connections, closed loop, load and receiver on the same cores",
        "counted": "delivered at the receiver, from its first message to its last",
        "durability": "ours: fdatasync before every acknowledgement and delivery; peer: fsync each",
        "tls": "off",
        "size": len(message()),
        "seconds": SECONDS,
        "goal": "2,000 msg/s, p99 25 ms",
        "acknowledged": _middle(ours, "rate"),
        "p50_ms": _middle(ours, "p50"),
        "p99_ms": _middle(ours, "p99"),
        "peer_p50_ms": _middle(theirs, "p50"),
        "peer_p99_ms": _middle(theirs, "p99"),
        "open_loop_rate": steady,
        "open_loop_p50_ms": round(opened["p50"], 2),
        "open_loop_p99_ms": round(opened["p99"], 2),
    }
    return [
        Figure(
            bench="gateway.hl7",
            unit="messages/s",
            ours_runs=[told["delivered"] for told in ours],
            peer_name="python-hl7's MLLP server with an fsync per message, no delivery",
            peer_runs=[told["rate"] for told in theirs],
            target=5.0,
            higher_is_better=True,
            conditions=conditions,
        ),
        Figure(
            bench="gateway.hl7-tls",
            unit="messages/s",
            ours_runs=[told["delivered"] for told in secured],
            conditions={
                **conditions,
                "tls": "TLS 1.3 towards the sender, none towards the receiver",
                "acknowledged": _middle(secured, "rate"),
                "p50_ms": _middle(secured, "p50"),
                "p99_ms": _middle(secured, "p99"),
            },
        ),
    ]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--receive", address, file]:
            uvloop.run(receive(address, file))
        case ["--load", host, port, tls, rate]:
            uvloop.run(load(host, int(port), tls=tls != "none", rate=float(rate)))
        case ["--peer", folder]:
            uvloop.run(peer(folder))
        case other:
            sys.exit(f"start it with `make bench`; not understood: {other}")
