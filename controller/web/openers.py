"""The one-time keys of looks that were asked for here: in this process's memory, each used at most once."""

import threading
from dataclasses import dataclass, field

from appliance.clock import monotonic
from appliance.onetime import Opener

_KEPT = 600.0  # seconds; after that what was sealed is gone too
_MOST = 64


@dataclass
class Openers:
    """By job: whose look it is, and the key that opens it. A restart forgets all: the look is asked anew."""

    _held: dict[str, tuple[float, str, Opener]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, job: str, who: str, opener: Opener) -> None:
        """Keep the key of a job; a second click on the same button does not change it."""
        with self._lock:
            limit = monotonic() - _KEPT
            self._held = {k: v for k, v in self._held.items() if v[0] > limit}
            if len(self._held) >= _MOST:
                del self._held[next(iter(self._held))]
            self._held.setdefault(job, (monotonic(), who, opener))

    def waits(self, job: str, who: str) -> bool:
        """Whether that person's key is here and was not used yet."""
        with self._lock:
            held = self._held.get(job)
            return held is not None and held[1] == who and held[0] > monotonic() - _KEPT

    def take(self, job: str, who: str) -> Opener | None:
        """Return that person's key and forget it; None when it is not here (any more)."""
        if not self.waits(job, who):
            return None
        with self._lock:
            held = self._held.pop(job, None)
        return held[2] if held else None


OPENERS = Openers()
"""Those of this process."""
