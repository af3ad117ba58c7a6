"""The guest scripts: shellcheck finds nothing, and what can run without a guest does run."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import BadInput
from appliance.host import LocalHost
from appliance.sdk import guest, manifest
from appliance.sdk.manifest import Manifest
from tests.unit.sdk.sample import MANIFEST

SAMPLE = manifest.parse(MANIFEST.encode())
CONFIG = guest.config(SAMPLE, "http://10.88.0.2:8080")
INSTALL = guest.install(SAMPLE, "a" * 64, "vol-1", CONFIG)


@pytest.mark.parametrize(
    "script", [INSTALL, guest.remove(SAMPLE), *(guest.health(SAMPLE, p) for p in ("live", "deep"))]
)  # fmt: skip
def test_shellcheck_finds_nothing(script: str, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script)
    result = LocalHost().run(["shellcheck", "--severity=style", str(path)], check=False)
    assert result.code == 0, result.text


def test_shellcheck_would_find_something(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(INSTALL.replace('"$device"', "$device"))
    assert LocalHost().run(["shellcheck", str(path)], check=False).code == 1


def test_settings() -> None:
    assert json.loads(CONFIG.text) == {
        "listen": "0.0.0.0:8080",
        "gateway": "http://10.88.0.2:8080",
        "data": "/var/lib/hbox-module/acme-visit",
    }
    assert CONFIG.text.strip() in INSTALL


def test_hostile_arguments_are_refused() -> None:
    for digest, volume in (("x", "vol"), ("a" * 64, "x" * 21), ("a" * 64, "../x"), ("a" * 64, "")):
        with pytest.raises(BadInput):
            guest.install(SAMPLE, digest, volume, CONFIG)


@pytest.fixture
def answering() -> Iterator[Manifest]:
    """A module that answers: 200 for live, 503 for deep."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = '{"status": "好"}'.encode()
            self.send_response(200 if self.path.endswith("live") else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    text = MANIFEST.replace(
        "port = 8080\n\n[[flows]]", f"port = {server.server_port}\n\n[[flows]]", 1
    )
    text = text.replace("port = 8080\ndata_class", f"port = {server.server_port}\ndata_class")
    yield manifest.parse(text.encode())
    server.shutdown()
    server.server_close()
    thread.join()


def _run(script: str) -> tuple[int, dict[str, object]]:
    result = LocalHost().run(["/bin/sh", "-s"], stdin=script.encode(), check=False)
    return result.code, guest.outcome(result.text)


def test_health_really_asks(answering: Manifest) -> None:
    code, said = _run(guest.health(answering, "live"))
    assert (code, said["ok"], said["status"], said["body"]) == (0, True, 200, {"status": "好"})
    assert (said["id"], said["probe"]) == ("acme-visit", "live")
    code, said = _run(guest.health(answering, "deep"))
    assert (code, said["ok"], said["status"]) == (20, False, 503)


def test_health_of_nothing() -> None:
    dead = MANIFEST.replace("8080", "9")
    code, said = _run(guest.health(manifest.parse(dead.encode()), "live", limit=2))
    assert code == 20
    assert (said["ok"], said["status"], said["probe"]) == (False, 0, "live")


def test_health_that_cannot_ask_says_where_it_stopped(answering: Manifest) -> None:
    script = guest.health(answering, "live").replace("python3 -I", "/none/python3 -I")
    code, said = _run(script)
    assert (code, said) == (127, {**said, "ok": False, "step": "health", "exit": 127})


def test_outcome_of_broken_output() -> None:
    for text in ("", "no json", '{"ok":true}\nmore', "[1]"):
        assert guest.outcome(text)["ok"] is False
    assert guest.outcome('noise\n{"ok":true,"port":1}\n') == {"ok": True, "port": 1}
