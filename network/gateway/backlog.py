"""What the journal says is still to be done: per-channel queues and the window of known keys."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from network.gateway.journal import Place, Written
from network.gateway.records import Facts

WINDOW = 100_000  # Idempotency-Keys remembered


@dataclass
class Item:
    """One accepted message that waits for its delivery; `due` is a monotonic time."""

    facts: Facts
    place: Place
    attempts: int = 0
    due: float = 0.0


@dataclass(frozen=True)
class Known:
    """What an Idempotency-Key stood for: the delivery and the digest of the body."""

    delivery: str
    digest: str


@dataclass
class Backlog:
    """Rebuilt by replaying the journal, and kept by the same calls while running."""

    queues: dict[str, deque[Item]] = field(default_factory=dict)
    keys: "OrderedDict[tuple[str, str, str], Known]" = field(default_factory=OrderedDict)

    def replay(self, written: Written) -> None:
        """Take one record's effect; records come in their order."""
        facts = written.record.facts
        if facts.event == "accepted":
            self.queues.setdefault(facts.channel, deque()).append(Item(facts, written.place))
            self._remember(facts)
        elif facts.event == "attempt":
            item = self._find(facts)
            if item is not None:
                item.attempts = facts.attempts
        elif facts.event in ("delivered", "dead"):
            item = self._find(facts)
            if item is not None:
                self.queues[facts.channel].remove(item)

    def known(self, channel: str, peer: str, key: str) -> Known | None:
        """Return what this key stood for, if it is within the window."""
        return self.keys.get((channel, peer, key))

    def size(self, channel: str) -> int:
        """How many messages of `channel` wait."""
        return len(self.queues.get(channel, ()))

    def _remember(self, facts: Facts) -> None:
        if not facts.key:
            return
        self.keys[facts.channel, facts.peer, facts.key] = Known(facts.delivery, facts.note)
        if len(self.keys) > WINDOW:
            self.keys.popitem(last=False)

    def _find(self, facts: Facts) -> Item | None:
        # Order per channel: it is the first one, but after a policy change the scan stays right.
        for item in self.queues.get(facts.channel, ()):
            if item.facts.delivery == facts.delivery:
                return item
        return None
