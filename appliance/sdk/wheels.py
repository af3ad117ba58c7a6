"""Builds a module's own wheel and fetches those it needs, with the vendor machine's pip."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.canonical import digest
from appliance.host import CommandFailed, LocalHost
from appliance.sdk.errors import NoPip, WheelBuildFailed
from appliance.sdk.source import Source

_EPOCH = "1577836800"  # 2020-01-01: every file in a wheel bears this date, so bytes repeat
# The box: CPython 3.13, x86-64, glibc of Debian 13.
_TARGET = (
    "--only-binary=:all:", "--python-version", "3.13", "--implementation", "cp",
    "--abi", "cp313", "--abi", "abi3", "--abi", "none",
    "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64",
    "--platform", "manylinux_2_28_x86_64",
)  # fmt: skip


def build(source: Source, folder: Path) -> list[Path]:
    """Put all wheels of `source` into the empty `folder`; return them sorted by name.

    Needs pip and, for what is not in the cache, its package index. Raises `WheelBuildFailed`, `NoPip`.
    """
    _own(source, folder)
    for wheel in _needed(source):
        shutil.copyfile(wheel, folder / wheel.name)
    return sorted(folder.glob("*.whl"))


def _own(source: Source, folder: Path) -> None:
    # From a clean copy with fixed modes: neither leftovers of earlier builds nor a umask get in.
    with tempfile.TemporaryDirectory(prefix="hbox-module-") as scratch:
        tree = Path(scratch) / "tree"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "*.pyc")
        shutil.copytree(source.root / "src", tree / "src", ignore=ignored)
        shutil.copyfile(source.root / "pyproject.toml", tree / "pyproject.toml")
        for path in tree.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        _pip(
            ["wheel", "--no-deps", "--no-cache-dir", "--wheel-dir", str(folder), str(tree)],
            {"SOURCE_DATE_EPOCH": _EPOCH, "PYTHONHASHSEED": "0"},
        )


def _needed(source: Source) -> list[Path]:
    text = source.requirements.read_bytes()
    if not any(line.strip() and not line.startswith(b"#") for line in text.splitlines()):
        return []
    held = _cache() / digest(text)
    if not held.is_dir():
        held.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=held.parent) as fetching:
            fresh = Path(fetching) / "wheels"
            _pip(
                ["download", "--require-hashes", "--no-deps", *_TARGET, "--dest", str(fresh),
                 "--requirement", str(source.requirements)],
                {},
            )  # fmt: skip
            _take(fresh, held)
    return sorted(held.glob("*.whl"))


def _take(fresh: Path, held: Path) -> None:
    try:
        fresh.rename(held)
    except OSError:
        if not held.is_dir():  # another build was first: its wheels are the same, by their hashes
            raise


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "hbox" / "wheels"


def _pip(arguments: Sequence[str], env: Mapping[str, str]) -> None:
    if importlib.util.find_spec("pip") is None:
        raise NoPip
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", arguments[0], *quiet, *arguments[1:]]
    try:
        LocalHost().run(command, timeout=900, env=env)
    except CommandFailed as error:
        raise WheelBuildFailed(why=str(error)[-1500:]) from error
