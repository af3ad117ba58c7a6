"""A limit of requests per address and minute, kept in memory (a token bucket)."""

import threading
import time

_ADDRESSES = 10_000  # remembered at most; beyond that the fullest buckets are forgotten


class Limit:
    """Allows `per_minute` requests of each address, all of them at once if need be."""

    def __init__(self, per_minute: int) -> None:
        self._full = float(per_minute)
        self._held: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Count one request; whether it is within the limit."""
        now = time.monotonic()
        with self._lock:
            left, at = self._held.get(address, (self._full, now))
            left = min(self._full, left + (now - at) * self._full / 60)
            if len(self._held) >= _ADDRESSES and address not in self._held:
                self._drop(now)
            self._held[address] = (left - 1 if left >= 1 else left, now)
            return left >= 1

    def _drop(self, now: float) -> None:
        self._held = {a: v for a, v in self._held.items() if now - v[1] < 60}
        while len(self._held) >= _ADDRESSES:
            self._held.pop(next(iter(self._held)))
