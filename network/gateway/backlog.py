"""What the journal says is still to be done: queues per channel, dead letters, known keys, orders."""

import datetime as dt
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from sys import intern

from appliance.clock import iso, now
from network.gateway.journal import Written
from network.gateway.records import Facts
from network.gateway.segments import Place

WINDOW = 200_000  # messages known again per channel, at most
_SWEEP = 1024  # remembered messages between two looks for those out of the window


@dataclass(slots=True)
class Item:
    """One accepted message that waits for its delivery; its body stays in the file.

    `at` is when it was accepted (RFC 3339 UTC), `policy` the digest under which, `address` and
    `target` where it was to go; `due` is a monotonic time.
    """

    delivery: str
    channel: str
    kind: str
    policy: str
    address: str
    target: str
    at: str
    place: Place
    attempts: int = 0
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """What a key stood for: the delivery, the mark of its body, under which policy, and when."""

    delivery: str
    digest: str
    policy: str
    at: str


class Backlog:
    """Rebuilt by replaying the journal, and kept by the same calls while running."""

    def __init__(
        self,
        replay_hours: Mapping[str, int] | None = None,
        instant: Callable[[], dt.datetime] = now,
        window: int = WINDOW,
    ) -> None:
        self._hours = replay_hours or {}
        self._instant = instant
        self._window = window
        self._keys: dict[str, OrderedDict[tuple[str, str], Known]] = {}
        self._dead_of: dict[str, int] = {}
        self._remembered = 0
        self.queues: dict[str, deque[Item]] = {}
        self.dead: dict[str, Item] = {}
        self.paused: set[str] = set()
        self.order = 0  # number of the last order obeyed
        self.version = 0  # of the newest policy that was ever in force

    def replay(self, written: Written) -> None:
        """Take one record's effect; records come in their order."""
        facts = written.record.facts
        if facts.event == "accepted":
            self._accepted(facts, written.place)
        elif facts.event == "attempt":
            item = self._find(facts.channel, facts.delivery)
            if item is not None:
                item.attempts = facts.attempts
        elif facts.event in ("delivered", "dead"):
            self._final(facts)
        elif facts.event == "ordered":
            self._ordered(facts)
        elif facts.event == "started":
            self.version = max(self.version, facts.order)

    def known(self, channel: str, peer: str, key: str) -> Known | None:
        """Return what this key stood for, if it is within the channel's window."""
        keys = self._keys.get(channel)
        found = keys.get((peer, key)) if keys else None
        return found if found is not None and found.at >= self._edge(channel) else None

    def size(self, channel: str) -> int:
        """How many messages of `channel` wait."""
        return len(self.queues.get(channel, ()))

    def dead_of(self, channel: str) -> int:
        """How many dead letters of `channel` nobody has settled."""
        return self._dead_of.get(channel, 0)

    def waiting(self) -> Iterable[Item]:
        """Yield every message that may still be delivered, dead letters too."""
        for queue in self.queues.values():
            yield from queue
        yield from self.dead.values()

    def find(self, delivery: str) -> Item | None:
        """Return a message that waits in a queue."""
        return next((i for q in self.queues.values() for i in q if i.delivery == delivery), None)

    def _accepted(self, facts: Facts, place: Place) -> None:
        item = Item(
            facts.delivery, intern(facts.channel), intern(facts.kind), intern(facts.policy),
            intern(facts.address), intern(facts.target), facts.at, place,
        )  # fmt: skip
        self.queues.setdefault(facts.channel, deque()).append(item)
        if facts.key:
            self._remember(facts)

    def _remember(self, facts: Facts) -> None:
        keys = self._keys.setdefault(facts.channel, OrderedDict())
        keys[facts.peer, facts.key] = Known(
            facts.delivery, facts.note, intern(facts.policy), facts.at
        )
        keys.move_to_end((facts.peer, facts.key))
        self._remembered += 1
        if len(keys) > self._window:
            keys.popitem(last=False)
        if self._remembered % _SWEEP == 0:
            edge = self._edge(facts.channel)
            while keys and next(iter(keys.values())).at < edge:
                keys.popitem(last=False)

    def _edge(self, channel: str) -> str:
        # `at` is always UTC with microseconds, so texts compare as instants do.
        return iso(self._instant() - dt.timedelta(hours=self._hours.get(channel, 72)))

    def _final(self, facts: Facts) -> None:
        item = self._find(facts.channel, facts.delivery)
        if item is None:
            return
        queue = self.queues[facts.channel]
        if queue[0] is item:
            queue.popleft()
        else:
            queue.remove(item)
        if facts.event == "dead":
            item.attempts = facts.attempts
            self.dead[item.delivery] = item
            self._dead_of[item.channel] = self.dead_of(item.channel) + 1

    def _ordered(self, facts: Facts) -> None:
        self.order = max(self.order, facts.order)
        if facts.rule:  # it could not be obeyed
            return
        if facts.method == "pause":
            self.paused.add(facts.channel)
        elif facts.method == "resume":
            self.paused.discard(facts.channel)
        else:
            self._settle(facts)

    def _settle(self, facts: Facts) -> None:
        item = self.dead.pop(facts.delivery, None)
        if item is not None:
            self._dead_of[item.channel] -= 1
        if facts.method == "rerun" and item is not None:
            item.attempts, item.due = 0, 0.0
            self.queues.setdefault(item.channel, deque()).append(item)
        elif facts.method == "drop" and item is None:
            waits = self._find(facts.channel, facts.delivery)
            if waits is not None:
                self.queues[facts.channel].remove(waits)

    def _find(self, channel: str, delivery: str) -> Item | None:
        # Order per channel: it is the first one, but after a policy change the scan stays right.
        for item in self.queues.get(channel, ()):
            if item.delivery == delivery:
                return item
        return None
