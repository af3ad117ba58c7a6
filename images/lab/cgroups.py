"""A cgroup per node in every hierarchy of the machine, v1, hybrid or v2 only: nodes that share one break each other."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from appliance.clock import monotonic, pause

_TOP = Path("/sys/fs/cgroup")


def hierarchies(mounts: str | None = None) -> list[Path]:
    """Return the mount point of each cgroup hierarchy (`mounts`: the text of /proc/mounts)."""
    text = Path("/proc/mounts").read_text("utf-8") if mounts is None else mounts
    rows = (line.split() for line in text.splitlines())
    found = [Path(r[1]) for r in rows if len(r) > 2 and r[2] in {"cgroup", "cgroup2"}]
    return sorted({path for path in found if path == _TOP or _TOP in path.parents})


def make(name: str) -> list[Path]:
    """Make the cgroup `name` in every hierarchy; return the folders."""
    made = []
    for hierarchy in hierarchies():
        folder = hierarchy / name
        folder.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # In v1 a new cpuset is empty, and nothing can run in it.
            if hierarchy != _TOP and (hierarchy / setting).exists():
                (folder / setting).write_text((hierarchy / setting).read_text())
        made.append(folder)
    return made


def folders(name: str) -> list[Path]:
    """Return the cgroups `name` that exist."""
    return [h / name for h in hierarchies() if (h / name).is_dir()]


def existing(prefix: str) -> list[Path]:
    """Return every cgroup right below a hierarchy whose name starts with `prefix`."""
    return [p for h in hierarchies() for p in sorted(h.glob(f"{prefix}*")) if p.is_dir()]


def members(name: str) -> set[int]:
    """Return the process ids in the cgroup `name` or below, over all hierarchies."""
    found: set[int] = set()
    for folder in folders(name):
        for file in folder.rglob("cgroup.procs"):
            # A cgroup may vanish, or be of the threaded kind, while we look.
            with contextlib.suppress(OSError):
                found.update(int(line) for line in file.read_text().split())
    found.discard(0)
    return found


def remove(name: str, *, patience: float = 10.0) -> None:
    """Remove the (empty) cgroup `name` everywhere; the kernel may need a moment to let it go."""
    deadline = monotonic() + patience
    while True:
        for folder in folders(name):
            for inner in _bottom_up(folder):
                with contextlib.suppress(OSError):
                    inner.rmdir()
        if not folders(name) or monotonic() > deadline:
            return
        pause(0.1)


def _bottom_up(folder: Path) -> Iterator[Path]:
    inner = [path for path in folder.rglob("*") if path.is_dir()]
    yield from sorted(inner, key=lambda path: len(path.parts), reverse=True)
    yield folder
