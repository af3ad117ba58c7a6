"""A box in miniature for tests: a host namespace, two zones, a gateway and machines on both sides."""

import ctypes
import dataclasses
import http.server
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter

from appliance import nic
from appliance.chance import raw
from appliance.clock import iso, monotonic, pause
from appliance.host import LocalHost, Started, start
from appliance.signing import SigningKey
from network.gateway import vault
from network.gateway.channel import Channel
from network.gateway.inspect import Field
from network.gateway.layout import Account, Layout
from network.gateway.policy import Policy, write
from network.zones import Plan, prefixed

RUN = LocalHost().run
EXT_MODULE, INT_MODULE = "10.88.0.10", "10.66.0.10"
UIDS = {"front": 64901, "guard": 64902, "back": 64903, "scan": 64904}
_libc = ctypes.CDLL(None, use_errno=True)


def in_namespace(name: str, act: Callable[[], socket.socket]) -> socket.socket:
    """Run `act` in a thread that has entered the namespace; its sockets stay there."""
    found: list[socket.socket | OSError] = []

    def body() -> None:
        descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
        try:
            assert _libc.setns(descriptor, 0x40000000) == 0
            found.append(act())
        except OSError as error:
            found.append(error)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]


def reachable(folder: Path) -> list[str]:
    """Return a prefix for a command whose children, other users, must reach this interpreter.

    A developer's Python may lie below a folder that only root may enter; then the command gets
    mounts of its own in which nothing but the interpreter is seen there.
    """
    home = Path(sys.base_prefix).resolve()
    closed = [p for p in reversed(home.parents) if not p.stat().st_mode & 0o001]
    if not closed:
        return []
    aside = folder / "python"
    aside.mkdir(exist_ok=True)
    script = (
        f"mount --bind {home} {aside} && mount -t tmpfs -o mode=755 none {closed[0]} && "
        f'mkdir -p {home} && mount --bind {aside} {home} && umount {aside} && exec "$@"'
    )
    return ["unshare", "--mount", "sh", "-ec", script, "sh"]


@dataclasses.dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def read_reply(file) -> Reply:
    """Read one HTTP response with a Content-Length from a buffered socket file."""
    status_line = file.readline()
    if not status_line:
        raise ConnectionError("closed")
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return Reply(int(status_line.split()[1]), file.read(length))


class Receiver:
    """A real HTTP server in a zone; keeps what was delivered, in order."""

    def __init__(self, namespace: str, address: str, answer=None) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.answer = answer or (lambda method, path, body: (200, b"{}"))
        self.delay = 0.0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._serve()

            def do_POST(self):
                self._serve()

            def _serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.headers.append(dict(self.headers))
                outer.got.append((self.path, self.headers["X-HBox-Delivery"], body))
                if outer.delay:
                    pause(outer.delay)
                status, said = outer.answer(self.command, self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass

        self._server = Server((address, 8080), Handler, bind_and_activate=False)
        self._server.socket.close()

        def listen() -> socket.socket:
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, 8080))
            made.listen(64)
            return made

        self._server.socket = in_namespace(namespace, listen)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


SLOT = (
    Field("resourceType", "code", required=True, values=("Bundle",)),
    Field("type", "code"),
    Field("entry[].resource.resourceType", "code", required=True, values=("Slot",)),
    Field("entry[].resource.id", "id"),
    Field("entry[].resource.status", "code"),
    Field("entry[].resource.start", "instant"),
    Field("entry[].resource.end", "instant"),
)
APPOINTMENT = (
    Field("resourceType", "code", required=True, values=("Appointment",)),
    Field("id", "id"),
    Field("status", "code", required=True, values=("proposed", "booked", "cancelled")),
    Field("start", "instant"),
    Field("description", "string"),
    Field("slot[].reference", "reference"),
)
STATED = {"data_class": "personal", "purpose": "test", "approver": "sec"}
CHANNELS = (
    Channel(
        "slot-read", "extranet->intranet", "request", EXT_MODULE, f"http://{INT_MODULE}:8080", **STATED,
        method="GET", path="/fhir/Slot", resource="Bundle", query=("date", "status"),
        response=SLOT, rate=600000, time_limit=2.0,
    ),
    Channel(
        "booking", "extranet->intranet", "store", EXT_MODULE, f"http://{INT_MODULE}:8080", **STATED,
        method="POST", path="/fhir/Appointment", resource="Appointment", request=APPOINTMENT,
        rate=600000, time_limit=2.0, attempts=4,
    ),
    Channel(
        "booking-answer", "intranet->extranet", "store", INT_MODULE, f"http://{EXT_MODULE}:8080", **STATED,
        method="POST", path="/fhir/Appointment", resource="Appointment", request=APPOINTMENT,
        rate=600000, time_limit=2.0,
    ),
)  # fmt: skip


class World:
    """Everything a test needs of one miniature box; `close` removes all of it."""

    def __init__(self, folder: Path) -> None:
        self.prefix = "t" + raw(2).hex()
        self.plan: Plan = prefixed(self.prefix)
        self.host = f"{self.prefix}-host"
        self.folder = folder
        self.layout = Layout(
            folder=folder / "gateway",
            policy_key=folder / "keys" / "policy.key.pub",
            pids=folder / "pids.json",
            clamd=folder / "clamav" / "clamd.ctl",
            plan=self.plan,
            **{name: Account(uid, uid) for name, uid in UIDS.items()},
        )
        self.layout.folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self.key = SigningKey.new()
        self.layout.keys.mkdir(mode=0o700)
        self.key.save(self.layout.keys / "policy.key")
        vault.ensure(self.layout.journal_key)
        self._started: Started | None = None
        self._sockets: list[socket.socket] = []
        self._receivers: list[Receiver] = []
        self._namespaces: list[str] = []
        RUN(["ip", "netns", "add", self.host])
        self.in_host("ip", "link", "set", "lo", "up")
        self.in_host(sys.executable, "-c", f"from network import links\nfrom network.zones import *\n"
                     f"links.ensure_gateway(prefixed({self.prefix!r}))")  # fmt: skip
        self.machines = {
            "ext": self.machine("ext", self.plan.extranet.bridge, EXT_MODULE),
            "int": self.machine("int", self.plan.intranet.bridge, INT_MODULE),
        }

    def in_host(self, *argv: str, check: bool = True):
        """Run a program in the box's own network namespace."""
        return RUN(["nsenter", f"--net=/run/netns/{self.host}", *argv], check=check)

    def machine(self, name: str, bridge: str, address: str) -> str:
        """Add a namespace with one NIC on `bridge`, as a module VM has; return its name."""
        namespace = f"{self.prefix}-{name}"
        RUN(["ip", "netns", "add", namespace])
        self._namespaces.append(namespace)
        port = nic.tap(address)
        self.in_host(
            *("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0"),
            *("address", nic.mac(address), "netns", namespace),
        )
        self.in_host("ip", "link", "set", port, "master", bridge, "up")
        inside = ["ip", "-n", namespace]
        RUN([*inside, "addr", "add", f"{address}/24", "dev", "eth0"])
        RUN([*inside, "link", "set", "eth0", "up"])
        RUN([*inside, "link", "set", "lo", "up"])
        return namespace

    def issue(self, *channels: Channel, key: SigningKey | None = None) -> Policy:
        """Write a signed policy."""
        policy = Policy(1, iso(), channels)
        write(self.layout.folder, policy, key or self.key)
        return policy

    def start(self, script: str = "network.gateway.launcher", *extra: str) -> None:
        """Start the gateway (or a doctored one) and wait until both legs listen."""
        file = self.folder / "layout.json"
        file.write_bytes(TypeAdapter(Layout).dump_json(self.layout))
        run = ["-m", script] if not script.endswith(".py") else [script]
        self._started = start(
            self.box_python(*run, *extra, "--layout", str(file)),
            log=self.folder / "launcher.log",
        )
        self.wait_ready()

    def box_python(self, *arguments: str) -> list[str]:
        """Return the command that runs Python in the box's namespace."""
        enter = ["nsenter", f"--net=/run/netns/{self.host}"]
        return [*enter, *reachable(self.folder), sys.executable, *arguments]

    def wait_ready(self, seconds: float = 40.0) -> None:
        for side in ("ext", "int"):
            self.until(lambda side=side: self._connects(side), seconds)

    def speaks(self) -> bool:
        """Whether all three said in their logs that they are ready."""
        logs = [self.layout.folder / "log" / f"{name}.log" for name in UIDS]
        return all(log.exists() and "ready" in log.read_text() for log in logs)

    def _connects(self, side: str) -> bool:
        try:
            self.dial(side).close()
        except OSError:
            return False
        return True

    def until(self, holds: Callable[[], bool], seconds: float = 40.0) -> None:
        """Wait until `holds`; show the logs when it does not come."""
        end = monotonic() + seconds
        while not holds():
            assert monotonic() < end, self.logs()
            pause(0.05)

    def logs(self) -> str:
        files = [self.folder / "launcher.log", *sorted((self.layout.folder / "log").glob("*.log"))]
        return "\n".join(f"== {f.name}\n{f.read_text()[-3000:]}" for f in files if f.exists())

    @property
    def pids(self) -> dict[str, int]:
        return json.loads(self.layout.pids.read_text())

    def kill(self, name: str) -> None:
        """Kill one of the three and wait until all three are new."""
        old = self.pids
        os.kill(old[name], 9)
        self.until(
            lambda: self.layout.pids.exists() and not set(self.pids.values()) & set(old.values())
        )
        self.wait_ready()

    def dial(self, side: str, target: str | None = None) -> socket.socket:
        """Connect from the machine on `side` to its leg of the gateway."""
        zone = self.plan.extranet if side == "ext" else self.plan.intranet
        made = in_namespace(
            self.machines[side],
            lambda: socket.create_connection((target or zone.leg_address, 8080), timeout=10),
        )
        self._sockets.append(made)
        return made

    def ask(
        self, side: str, method: str, target: str, body: object = None, **headers: str
    ) -> Reply:
        """Make one request on a connection of its own."""
        data = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        lines = [f"{method} {target} HTTP/1.1", "Host: gateway", "Connection: close"]
        lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(data)}")
        with self.dial(side) as link, link.makefile("rb") as file:
            link.sendall("\r\n".join([*lines, "", ""]).encode() + data)
            try:
                return read_reply(file)
            except OSError as error:
                error.add_note(self.logs())
                raise

    def receiver(self, side: str, answer=None) -> Receiver:
        """Start a receiver on the machine of `side`."""
        made = Receiver(self.machines[side], INT_MODULE if side == "int" else EXT_MODULE, answer)
        self._receivers.append(made)
        return made

    def stop(self) -> None:
        """End the gateway."""
        if self._started:
            self._started.end()
            self._started = None

    def close(self) -> None:
        self.stop()
        for receiver in self._receivers:
            receiver.close()
        for link in self._sockets:
            link.close()
        for name in (*self._namespaces, *self.plan.namespaces, self.host):
            RUN(["ip", "netns", "del", name], check=False)
