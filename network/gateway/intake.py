"""Files on their way through the guard: copied one chunk per round, then given to the scanner."""

from collections import deque
from collections.abc import Callable

from network.gateway.backlog import Item
from network.gateway.faults import contained
from network.gateway.holds import Held, Holds
from network.gateway.ledger import Ledger
from network.gateway.protocols.files import FilesPlan
from network.gateway.refusals import Busy, GatewayRefusal, SpoolFull
from network.gateway.spool import Copying, Spool
from network.gateway.statements import OTHER

AT_ONCE = 64  # files taken and not yet copied; a leg offers one of a channel at a time
PATIENCE = 3600.0  # seconds for copying, with all that wait before it


class Intake:
    """One file is copied at a time, one chunk per round of the guard."""

    def __init__(
        self,
        spool: Spool | None,
        ledger: Ledger,
        holds: Holds,
        scan: Callable[[Held], list[Held]],
    ) -> None:
        self._spool, self._ledger, self._holds, self._scan = spool, ledger, holds, scan
        self._jobs: deque[tuple[int, Held, Copying]] = deque()
        if spool is not None:
            spool.sweep({item.target.removeprefix("/") for item in ledger.backlog.waiting()})

    @property
    def busy(self) -> bool:
        """Whether a chunk waits to be copied."""
        return bool(self._jobs)

    def begin(self, held: Held) -> None:
        """Take an offered file; raises a `GatewayRefusal`."""
        if self._spool is None:
            raise SpoolFull
        if len(self._jobs) >= AT_ONCE:  # each keeps two files open
            raise Busy
        channel = held.plan.channel
        copying = self._spool.take(held.side, held.ask.target, channel.id, channel.body_limit)
        try:
            self._holds.put(held)
        except GatewayRefusal:
            copying.abandon()
            raise
        held.file = copying.name
        self._jobs.append((self._holds.expect(held, PATIENCE), held, copying))

    def step(self) -> list[Held]:
        """Copy one chunk; return what is now free."""
        if not self._jobs:
            return []
        ident, held, copying = self._jobs[0]
        if ident not in held.waits:  # it was given up meanwhile
            self._jobs.popleft()
            copying.abandon()
            return []
        try:
            taken = copying.step()
            if taken is None:
                return []
            if isinstance(held.plan, FilesPlan):
                held.passed = contained(held.plan.taken, held.passed, taken)
            self._jobs.popleft()
        except GatewayRefusal as refusal:
            self._jobs.popleft()
            return self._holds.told(ident, refusal)
        freed = self._scan(held)
        return freed + self._holds.told(ident, None)

    def publish(self, held: Held) -> None:
        """Put a scanned file where the far leg may read it; before its record is written."""
        if self._spool is not None and held.file:
            self._spool.publish(held.file, OTHER[held.side])

    def discard(self, held: Held) -> None:
        """Remove a file that does not cross, or that has crossed before."""
        if self._spool is not None and held.file:
            self._spool.discard(held.file)
            self._spool.remove(held.file, OTHER[held.side])

    def settled(self, item: Item, side: str) -> None:
        """Remove the file of a message that is final, once that is durable."""
        spool = self._spool
        if spool is not None:
            self._ledger.afterwards(lambda: spool.remove(item.target.removeprefix("/"), side))
