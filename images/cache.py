"""The cache of built layers: whole or absent, shared by every clone on this machine, locked while building."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import now

KEPT = 6  # entries of one kind that stay; what a lab has mounted stays in any case


@dataclass(frozen=True)
class Cache:
    """A folder `<kind>/<key>/`; an entry appears by one rename when its build has finished."""

    folder: Path

    def find(self, kind: str, key: str) -> Path | None:
        """Return the entry's folder, or None when it was not built yet."""
        same = (p for p in self.entries(kind) if p.name.partition(".")[0] == key)
        return next(same, None)

    def entry(
        self, kind: str, key: str, build: Callable[[Path], None], *, fresh: bool = False
    ) -> Path:
        """Return the entry, calling `build(folder)` first if it is absent; others wait meanwhile.

        With `fresh` it is built again beside the former one, which a lab may still be using.
        """
        found = None if fresh else self.find(kind, key)
        if found is not None:
            os.utime(found)  # used just now: pruning takes the longest unused
            return found
        with self._locked(kind):
            found = self.find(kind, key)
            if found is not None and not fresh:
                return found
            name = f"{key}.{now():%Y%m%d%H%M%S}" if found is not None else key
            return self._build(kind, name, build)

    def latest(self, kind: str) -> Path | None:
        """Return the newest entry of a kind."""
        entries = self.entries(kind)
        return entries[0] if entries else None

    def entries(self, kind: str) -> list[Path]:
        """Return every whole entry of a kind, newest first."""
        folder = self.folder / kind
        if not folder.is_dir():
            return []
        found = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
        return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)

    def _build(self, kind: str, name: str, build: Callable[[Path], None]) -> Path:
        # The lock is ours, so any half-built folder belongs to nobody alive.
        for rest in (self.folder / kind).glob(".new-*"):
            shutil.rmtree(rest)
        temporary = self.folder / kind / f".new-{name}"
        temporary.mkdir(mode=0o755)
        try:
            build(temporary)
            final = self.folder / kind / name
            temporary.rename(final)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        os.utime(final)
        self._prune(kind)
        return final

    def _prune(self, kind: str) -> None:
        mounted = Path("/proc/self/mountinfo").read_text("utf-8")
        for old in self.entries(kind)[KEPT:]:
            if str(old) not in mounted:
                shutil.rmtree(old, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self, kind: str) -> Iterator[None]:
        (self.folder / kind).mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{kind}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def default() -> Cache:
    """Return the cache at $HBOX_CACHE, else /var/cache/hbox."""
    return Cache(Path(os.environ.get("HBOX_CACHE", "/var/cache/hbox")))
