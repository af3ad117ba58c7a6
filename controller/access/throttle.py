"""Slowing down whoever tries wrong keys: so many a minute per address are answered and audited."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from appliance import clock
from appliance.errors import Text, Unavailable

TRIES = 10
PER = 60.0  # seconds
_ADDRESSES = 1024  # remembered at once; the one that was quiet longest is forgotten first


class TooManyTries(Unavailable):
    """This address sent too many wrong keys; no more are answered or audited for a while."""

    code = "auth.too_many_tries"
    text = Text("该地址的错误令牌过多，请稍后再试", "Too many wrong tokens from this address")
    hint = Text(
        "请核对令牌；{seconds} 秒后再试。", "Check the token; try again after {seconds} seconds."
    )


@dataclass
class _Count:
    since: float
    wrong: int = 0


class Throttle:
    """Counts wrong keys per address, in this process; restarts forget, which costs nothing here."""

    def __init__(self, tries: int = TRIES, per: float = PER) -> None:
        self._tries = tries
        self._per = per
        self._seen: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def pass_by(self, source: str) -> None:
        """Raise `TooManyTries` while the address has used up its tries."""
        with self._lock:
            held = self._living(source)
            if held is not None and held.wrong >= self._tries:
                left = held.since + self._per - clock.monotonic()
                raise TooManyTries(what="", why="", seconds=max(1, round(left)))

    def wrong(self, source: str) -> bool:
        """Count a wrong key; return whether it is worth an audit entry (the first, and the last one)."""
        with self._lock:
            held = self._living(source)
            if held is None:
                held = self._seen[source] = _Count(clock.monotonic())
            self._seen.move_to_end(source)
            while len(self._seen) > _ADDRESSES:
                self._seen.popitem(last=False)
            held.wrong += 1
            return held.wrong in (1, self._tries)

    def _living(self, source: str) -> _Count | None:
        held = self._seen.get(source)
        if held is not None and clock.monotonic() - held.since >= self._per:
            del self._seen[source]
            return None
        return held
