"""Runs a program inside a root file system, in mount and network namespaces that vanish with it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.host import Host, Result

# Whoever starts this may be killed: the death signal ends `unshare`, that the new PID 1, that the rest.
ALONE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
# Everything is mounted in a namespace of its own: killed at any point, it leaves nothing mounted.
_SCRIPT = """set -eu
mount --make-rprivate /
root=$1; shift
overlay=$1; shift
if [ -n "$overlay" ]; then mount -t overlay overlay -o "$overlay" "$root"; fi
source=$1; shift
if [ -n "$source" ]; then mkdir -p "$root/mnt"; mount --bind -o ro "$source" "$root/mnt"; fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
exec chroot "$root" "$@"
"""
_ENV = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root"]


@dataclass(frozen=True)
class Overlay:
    """A writable layer over read-only ones, topmost first."""

    lower: tuple[Path, ...]
    upper: Path
    work: Path

    def options(self) -> str:
        """Return the mount options of overlayfs (index off: the layers are shared)."""
        lower = ":".join(str(path) for path in self.lower)
        return f"lowerdir={lower},upperdir={self.upper},workdir={self.work},index=off"


def run(
    host: Host,
    root: Path,
    argv: Sequence[str],
    *,
    overlay: Overlay | None = None,
    source: Path | None = None,
    timeout: float = 900.0,
) -> Result:
    """Run `argv` in `root` without network; `source` is seen read-only as /mnt; seconds."""
    return host.run(
        [
            *[*ALONE, "--net"],
            *["sh", "-c", _SCRIPT, "sh", str(root)],
            overlay.options() if overlay else "",
            str(source) if source else "",
            *_ENV,
            *argv,
        ],
        timeout=timeout,
    )


def layer(
    host: Host, folder: Path, lower: Sequence[Path], script: str, *, source: Path | None = None
) -> None:
    """Run the shell `script` over the layers `lower` (topmost first); `folder`/layer keeps what it wrote."""
    for name in ("layer", "work", "merged"):
        (folder / name).mkdir(mode=0o755)
    overlay = Overlay(tuple(lower), folder / "layer", folder / "work")
    run(host, folder / "merged", ["sh", "-euc", script], overlay=overlay, source=source)
    shutil.rmtree(folder / "work")
    (folder / "merged").rmdir()
