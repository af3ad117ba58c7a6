"""The box's Python packages: taken from the lock, downloaded for the box's Python, proved by their hashes.

There is one lock, `requirements.lock`, for the developer's host (3.11) and the box (3.13). pip chooses
from it the wheels that the `box` extra needs on the box's Python and C library; every file is then
compared with the lock's own hashes. Inside the box pip installs them offline and checks the result,
so a package that only the box's Python needs cannot be forgotten silently.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.errors import Refused, Text
from appliance.host import Host

PYTHON = "3.13"
VENV = "/usr/lib/hbox/venv"
# glibc of trixie is 2.41; older tags are older promises, and hold too.
_PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in range(41, 4, -1)),
    "manylinux2014_x86_64",
]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class ForeignWheel(Refused):
    """A downloaded file is not one that the lock names."""

    code = "images.foreign_wheel"
    text = Text(
        "{file} 不在 requirements.lock 的哈希清单中",
        "{file} is not among requirements.lock's hashes",
    )


@dataclass(frozen=True)
class Lock:
    """Pins (`name==version`) and every SHA-256 that the lock allows."""

    pins: tuple[str, ...]
    hashes: frozenset[str]


def parse_lock(text: str) -> Lock:
    """Return the pins and hashes of a requirements file with hashes."""
    pins = tuple(f"{m[1]}=={m[2]}" for line in text.splitlines() if (m := _PIN.match(line)))
    return Lock(pins, frozenset(_HASH.findall(text)))


def wanted(pyproject: str) -> tuple[str, ...]:
    """Return the requirements of the project and its `box` extra."""
    project = tomllib.loads(pyproject)["project"]
    return (*project["dependencies"], *project["optional-dependencies"]["box"])


def key(pyproject: str, lock: str) -> str:
    """Return a digest of everything that decides which packages the box gets."""
    return digest(canonical([PYTHON, list(wanted(pyproject)), digest(lock.encode())]))


def download(host: Host, pyproject: str, lock: str, target: Path) -> list[Path]:
    """Fetch the wheels into `target` with this machine's pip settings; return them, verified."""
    target.mkdir()
    parsed = parse_lock(lock)
    pins = target.with_name("constraints.txt")
    pins.write_text("\n".join(parsed.pins) + "\n", "utf-8")
    host.run(argv(wanted(pyproject), pins, target), timeout=1800)
    found = sorted(target.iterdir())
    for wheel in found:
        if digest(wheel.read_bytes()) not in parsed.hashes:
            raise ForeignWheel(file=wheel.name)
    return found


def argv(requirements: Sequence[str], pins: Path, target: Path) -> list[str]:
    """Return pip's argument vector for the download."""
    return [
        *[sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"],
        *["--python-version", PYTHON, "--implementation", "cp"],
        *(part for tag in _PLATFORMS for part in ("--platform", tag)),
        *["--constraint", str(pins), "--dest", str(target), *requirements],
    ]


def install_script() -> str:
    """Return the shell lines that makes the venv inside the box from the wheels at /mnt, offline."""
    pip = f"{VENV}/bin/pip --no-cache-dir --disable-pip-version-check --quiet"
    steps = [
        f"python3 -m venv --system-site-packages {VENV}",
        f"{pip} install --no-index --find-links /mnt /mnt/*.whl",
        f"{VENV}/bin/pip check",
    ]
    return "\n".join(steps)
