"""Debian packages unpacked aside, for peers and load generators: nothing is installed, nothing started."""

import os
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hbox-bench"


def unpacked(*names: str) -> Path:
    """Return a folder that holds the files of packages `names` and of what they need beyond this host."""
    root = CACHE / "-".join(names)
    if not (root / ".ready").exists():
        archives = root / "debs"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        get = [
            "apt-get",
            "install",
            "--download-only",
            "--reinstall",
            "-y",
            "-qq",
            "--no-install-recommends",
        ]
        subprocess.run(
            [
                *get,
                "-o",
                f"Dir::Cache::archives={archives}",
                "-o",
                "APT::Sandbox::User=root",
                *names,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for deb in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
        (root / ".ready").touch()
    return root


def libraries(root: Path) -> dict[str, str]:
    """Return the environment in which a program below `root` finds its libraries."""
    folders = sorted({str(p.parent) for p in (root / "usr/lib").rglob("*.so*")})
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}
