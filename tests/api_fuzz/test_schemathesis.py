"""schemathesis asks the real web process everything that the API's description allows, and more.

Every role asks with an API token: no answer is an error of ours (5xx), each is one that the description
names, with its headers and its schema. No worker runs: what is submitted stays a row.
HBOX_API_FUZZ (seconds in all) lets it run longer than the default.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.actions.base import Role

ROOT = Path(__file__).parents[2]
SECONDS = int(os.environ.get("HBOX_API_FUZZ", "80"))
# The system administrator may most: that run goes deep, the others look at what is refused them.
SHARE = {Role.SYSTEM: 0.4, Role.SECURITY: 0.2, Role.TENANT: 0.16}
REST = 0.08


@dataclass(frozen=True)
class Served:
    address: str
    folder: Path
    errors: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    folder = _quick_folder(tmp_path_factory)
    port, log = _free_port(), folder / "serving.log"
    command = [sys.executable, "-m", "tests.api_fuzz.serving", str(folder), str(port)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=ROOT, stderr=file)
    until = time.monotonic() + 60
    while not (folder / "up").exists():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < until
        time.sleep(0.2)
    yield Served(f"http://127.0.0.1:{port}", folder, log)
    server.terminate()
    server.wait(20)
    shutil.rmtree(folder)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", list(Role))
def test_every_answer_is_one_that_the_description_names(served, role):
    seconds = max(5, int(SECONDS * SHARE.get(role, REST)))
    phases = "coverage,fuzzing" if role in SHARE else "fuzzing"
    key = (served.folder / f"{role}.key").read_text()
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={ROOT / 'tests/api_fuzz/schemathesis.toml'}",
        "--no-color",
        "run",
        f"{served.address}/api/openapi.json",
        f"--header=Authorization: Bearer {key}",
        f"--phases={phases}",
        "--seed=7",
        "--max-examples=25",
        f"--max-time={seconds}",
        "--continue-on-failure",
    ]
    hooks = {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.api_fuzz.hooks"}
    # In the throw-away folder: it leaves what it found where it runs.
    got = subprocess.run(
        command,
        cwd=served.folder,
        env={**os.environ, **hooks},
        capture_output=True,
        text=True,
        check=False,
    )
    assert got.returncode == 0, got.stdout[-20000:] + got.stderr[-2000:]
    assert "passed" in got.stdout
    told = served.errors.read_text()
    assert "Traceback" not in told, told[-4000:]


def _quick_folder(factory) -> Path:
    """Records in memory where there is such a place: the API is asked, not the disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return factory.mktemp("fuzz")
    folder = memory / f"hbox-api-fuzz-{os.getpid()}"
    folder.mkdir()
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
