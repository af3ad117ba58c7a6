"""Runs the two shipped modules as the real processes they are, with the test relay between them."""

import contextlib
import http.client
import json
import os
import re
import socket
import sys
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from appliance.host import Started, start
from tests.unit.modules.relay import Relay

MODULES = Path(__file__).parents[3] / "appliance" / "modules"
PACKAGES = {"appointment": "hbox_appointment", "his-standin": "his_standin"}


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Module:
    """One module's process; `restart` kills it without warning."""

    id: str
    folder: Path
    gateway: int
    limit: int = 1000
    mllp: tuple[int, int] = (0, 0)  # own port, and the far side's
    port: int = field(default_factory=free_port)
    process: Started | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, object] = {
            "listen": f"127.0.0.1:{self.port}",
            "gateway": f"http://127.0.0.1:{self.gateway}",
            "data": str(self.folder / "data"),
            "mllp_listen": self.mllp[0] or free_port(),
            "mllp_gateway_port": self.mllp[1] or free_port(),
        }
        if self.id == "appointment":
            config["bookings_per_minute"] = self.limit
        (self.folder / "config.json").write_text(json.dumps(config))
        self.process = start(
            [sys.executable, "-m", PACKAGES[self.id]],
            log=self.folder / "log",
            env={
                "HBOX_MODULE_CONFIG": str(self.folder / "config.json"),
                "PYTHONPATH": str(MODULES / self.id / "src"),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        for _ in range(400):
            try:
                if self.get("/health/ready")[0] == 200:
                    return
            except OSError:
                assert self.process.alive(), (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, 9)
        self.process.end()

    def end(self) -> None:
        if self.process is not None and self.process.alive():
            code = self.process.end(patience=30)
            assert code == 0, (code, (self.folder / "log").read_text())

    def get(self, path: str) -> tuple[int, str]:
        status, body = Relay.ask(self.port, "GET", path, b"", {})
        return status, body.decode()


@dataclass
class Answered:
    """What a page said."""

    status: int
    text: str
    headers: http.client.HTTPMessage


class Browser:
    """A patient's browser, as far as the pages need one: follows nothing, keeps one cookie."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cookie = ""

    def ask(self, method: str, path: str, body: str = "", kind: str = "") -> Answered:
        link = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            headers = {"Cookie": self.cookie} if self.cookie else {}
            if body:
                headers["Content-Type"] = kind or "application/x-www-form-urlencoded"
            link.request(method, path, body.encode() or None, headers)
            answer = link.getresponse()
            if cookie := answer.getheader("Set-Cookie"):
                self.cookie = cookie.split(";")[0]
            return Answered(answer.status, answer.read().decode(), answer.headers)
        finally:
            link.close()

    def form(self, slot: str) -> dict[str, str]:
        """Open the form of a slot; return its hidden fields."""
        page = self.ask("GET", f"/book/{slot}")
        assert page.status == 200, page.text
        return dict(re.findall(r'name="(nonce|csrf)" value="([^"]+)"', page.text))

    def submit(self, slot: str, hidden: dict[str, str], **typed: str) -> Answered:
        fields = {"name": "测试患者", "phone": "13800000000", **typed, **hidden}
        return self.ask("POST", f"/book/{slot}", urllib.parse.urlencode(fields))

    def book(self, slot: str, **typed: str) -> str:
        """Book a slot; return the path of the booking's page."""
        done = self.submit(slot, self.form(slot), **typed)
        assert done.status == 303, done.text
        return str(done.headers["Location"])

    def status(self, booking: str) -> str:
        """Return the booking's state."""
        return str(json.loads(self.ask("GET", f"{booking}/state").text)["status"])

    def settled(self, booking: str, seconds: float = 20) -> str:
        """Wait until the hospital has answered; return its decision."""
        until = time.monotonic() + seconds
        while (now := self.status(booking)) == "pending" and time.monotonic() < until:
            time.sleep(0.05)
        return now


class Chain:
    """Both modules and the relay."""

    def __init__(self, folder: Path) -> None:
        self.relay = Relay()
        ends = (
            free_port(),
            free_port(),
        )  # HL7 v2 goes straight across: its gateway has tests of its own
        inside, outside = self.relay.inside.server_port, self.relay.outside.server_port
        self.his = Module("his-standin", folder / "his", inside, mllp=ends)
        self.appointment = Module("appointment", folder / "app", outside, mllp=ends[::-1])
        try:
            self.his.start()
            self.appointment.start()
        except BaseException:
            self.end()
            raise
        self.relay.his, self.relay.appointment = self.his.port, self.appointment.port

    def browser(self) -> Browser:
        return Browser(self.appointment.port)

    def slots(self) -> list[str]:
        """Return the ids of the free slots that are booked over FHIR."""
        return [slot for slot in self.free() if not slot.startswith("radio-")]

    def radiology(self) -> list[str]:
        """Return the ids of the free slots that are booked over HL7 v2."""
        return [slot for slot in self.free() if slot.startswith("radio-")]

    def free(self) -> list[str]:
        body = json.loads(self.his.get("/fhir/Slot?status=free")[1])
        return [entry["resource"]["id"] for entry in body["entry"]]

    def end(self) -> None:
        with contextlib.ExitStack() as stack:
            for part in (self.relay, self.his, self.appointment):
                stack.callback(part.end)
