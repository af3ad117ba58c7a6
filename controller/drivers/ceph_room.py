"""How much a Ceph pool holds and may hold, asked with no more rights than a client's."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from appliance import clock
from appliance.host import Host
from controller.drivers.ceiling import ceiling, fits
from controller.drivers.storage import Capacity

T = TypeVar("T")
_MIB = 1024 * 1024
_USED_FOR, _SIZES_FOR = 15.0, 300.0  # seconds that an answer is good for


class Kept(Generic[T]):
    """An answer that is asked for again when it is older than `seconds`."""

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: tuple[float, T] | None = None

    def now(self) -> T:
        """Return the answer."""
        with self._lock:
            if self._held is None or clock.monotonic() - self._held[0] > self._seconds:
                self._held = (clock.monotonic(), self._ask())
            return self._held[1]


@dataclass(frozen=True)
class Shape:
    """The nodes' sizes in MiB, and how many copies the pool keeps."""

    nodes: tuple[int, ...]
    copies: int


class Room:
    """The room of one pool."""

    def __init__(self, host: Host, pool: str, user: str) -> None:
        self._host = host
        self._pool = pool
        self._user = user
        self._used = Kept(self._ask_used, _USED_FOR)
        self._shape = Kept(self._ask_shape, _SIZES_FOR)

    def capacity(self) -> Capacity:
        """Return the pool's capacity; `promised` is 0 here: only the records know it cheaply."""
        shape = self._shape.now()
        total = int(fits([float(size) for size in shape.nodes], shape.copies))
        return Capacity(
            total, self._used.now() // shape.copies, 0, ceiling(shape.nodes, shape.copies)
        )

    def left(self) -> int:
        """Return how many MiB are left below the ceiling; the figure may be 15 seconds old."""
        found = self.capacity()
        return found.ceiling - found.used

    def _ask_used(self) -> int:
        argv = ["rados", "--id", self._user, "df", "--format", "json"]
        said = json.loads(self._host.run(argv, timeout=60).out)
        return int(said["total_used"]) // 1024  # KiB, all copies and all pools

    def _ask_shape(self) -> Shape:
        tree = self._ceph("osd", "tree")
        size = self._ceph("osd", "pool", "get", self._pool, "size")
        return Shape(nodes(tree), int(size["size"]))

    def _ceph(self, *words: str) -> Any:
        argv = ["ceph", "--id", self._user, "--connect-timeout", "10", *words, "--format", "json"]
        return json.loads(self._host.run(argv, timeout=60).out)


def nodes(tree: dict[str, Any]) -> tuple[int, ...]:
    """Return each node's size in MiB from `ceph osd tree`: all of its disks, also those that are down.

    A disk's CRUSH weight is its size in TiB, as Ceph sets it when the disk is made. What may be promised
    does not shrink by an outage: else every creation would be refused as long as one node is off.
    """
    known = {one["id"]: one for one in tree["nodes"]}
    hosts = [one for one in tree["nodes"] if one["type"] == "host"]
    sizes = (sum(_mib(known[disk]) for disk in host["children"]) for host in hosts)
    return tuple(size for size in sizes if size)


def _mib(disk: dict[str, Any]) -> int:
    return int(float(disk["crush_weight"]) * _MIB)
