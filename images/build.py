"""Makes sure that everything a lab or a disk needs is built: base, product and guest image."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.host import Host, LocalHost
from appliance.progress import Progress
from images import base, guest, product
from images import cache as caches
from images.cache import Cache

_ON_THE_BOX = "/usr/share/hbox/images/guest-base"


@dataclass(frozen=True)
class Built:
    """Folders in the cache: the box's layers, topmost first, and the guest base image."""

    layers: tuple[Path, ...]
    guest: Path

    def as_dict(self) -> dict[str, object]:
        """Return the form that JSON carries."""
        return {"layers": [str(path) for path in self.layers], "guest": str(self.guest)}

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> "Built":
        """Return what `as_dict` gave."""
        return cls(tuple(Path(path) for path in held["layers"]), Path(held["guest"]))

    @property
    def guest_on_box(self) -> str:
        """Where the guest base image lies on the box."""
        return _ON_THE_BOX


def progress(cache: Cache) -> Progress:
    """Return a progress printer that remembers in the cache how long each step took."""
    return Progress(cache.folder / "progress.json")


def everything(
    host: Host | None = None,
    cache: Cache | None = None,
    said: Progress | None = None,
    *,
    fresh: bool = False,
) -> Built:
    """Build what is missing in the cache (with `fresh`: Debian anew, too); return where it all is."""
    with plain_modes():
        return _everything(host, cache, said, fresh=fresh)


@contextlib.contextmanager
def plain_modes() -> Iterator[None]:
    """Make folders 0755 whatever the user's umask says: they become folders of the box."""
    former = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(former)


def _everything(
    host: Host | None, cache: Cache | None, said: Progress | None, *, fresh: bool
) -> Built:
    machine, store = host or LocalHost(), cache or caches.default()
    shown = said or progress(store)
    debian = base.debian(machine, store, shown, fresh=fresh)
    python = base.python(machine, store, debian, shown)
    image = guest.ensure(machine, store, shown, fresh=fresh)
    below = (python / "layer", debian / "root")
    made = product.ensure(machine, store, below, shown)
    return Built((made / "layer", *below), image)
