"""Refusals of one kind by one sender: the first are journaled one by one, the rest as a count."""

from collections.abc import Callable
from dataclasses import dataclass

from network.gateway.records import Facts

FIRST = 5  # refusals told one by one
SPAN = 60.0  # seconds after which the rest is told as a count
SENDERS = 4096  # senders and rules told apart at one time
RULES = 256  # more of them, without their senders


@dataclass(slots=True)
class _Tally:
    ends: float
    seen: int = 0


class Tallies:
    """A flood of refused messages must fill neither the journal nor the memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str, str], _Tally] = {}

    def heard(self, side: str, peer: str, rule: str) -> bool:
        """Count one refusal; return whether it is to be journaled by itself."""
        key = (side, peer, rule)
        if key not in self._seen and len(self._seen) >= SENDERS:
            key = (side, "", rule)  # too many senders: only the rule is still told apart
        if key not in self._seen and len(self._seen) >= SENDERS + RULES:
            key = (side, "", "")  # a leg that makes up rules
        tally = self._seen.setdefault(key, _Tally(self._clock() + SPAN))
        tally.seen += 1
        return tally.seen <= FIRST

    def due(self) -> list[Facts]:
        """Return a record for each finished minute in which some were only counted."""
        now, found = self._clock(), []
        while self._seen:
            key, tally = next(iter(self._seen.items()))
            if tally.ends > now:
                break  # all end in the order in which they began
            del self._seen[key]
            if tally.seen > FIRST:
                side, peer, rule = key
                count = tally.seen - FIRST
                found.append(Facts(event="refused", side=side, peer=peer, rule=rule, count=count))
        return found

    def next(self) -> float | None:
        """When the oldest minute ends; None when nothing is being counted."""
        return next((tally.ends for tally in self._seen.values()), None)
