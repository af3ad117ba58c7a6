"""How many connections, and how many bytes of unfinished messages, a leg keeps: in all and of one peer."""

from collections import Counter
from collections.abc import Iterator

from network.gateway.desk import Watched

CONNECTIONS = 4096
OF_ONE_PEER = 1024  # so that one peer cannot take all
BYTES = 256 << 20  # of unfinished messages; one peer may have half of it
FREE = 64 << 10  # bytes that a connection may keep without being counted


class Admission:
    """Counts connections and held bytes; no one peer can use up what others need."""

    def __init__(
        self, connections: int = CONNECTIONS, of_one_peer: int = OF_ONE_PEER, held: int = BYTES
    ) -> None:
        self._limits = connections, of_one_peer
        self._most = held, held // 2
        self._doors: dict[Watched, int] = {}
        self._open: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._total = 0

    def __contains__(self, door: object) -> bool:
        return door in self._doors

    def __iter__(self) -> Iterator[Watched]:
        return iter(list(self._doors))

    def __len__(self) -> int:
        return len(self._doors)

    def enter(self, door: Watched) -> bool:
        """Count `door` in; False when there is no room, and then it is not counted."""
        connections, of_one_peer = self._limits
        if len(self._doors) >= connections or self._open[door.peer] >= of_one_peer:
            return False
        self._doors[door] = 0
        self._open[door.peer] += 1
        return True

    def leave(self, door: Watched) -> None:
        """Count `door` and the bytes it held out; one that was sent away is none of ours."""
        if door not in self._doors:
            return
        self.hold(door, 0)
        del self._doors[door]
        _add(self._open, door.peer, -1)

    def hold(self, door: Watched, size: int) -> bool:
        """Set how many bytes `door` holds; False, and nothing changed, when that is too many."""
        counted = max(0, size - FREE)
        more = counted - self._doors.get(door, 0)
        over = self._total + more > self._most[0] or self._held[door.peer] + more > self._most[1]
        if door not in self._doors or (more > 0 and over):
            return False
        self._doors[door] = counted
        self._total += more
        _add(self._held, door.peer, more)
        return True


def _add(counter: Counter[str], name: str, by: int) -> None:
    counter[name] += by
    if not counter[name]:
        del counter[name]
