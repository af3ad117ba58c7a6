"""When something must have happened: many at once, the earliest found without looking at all."""

import heapq


class Deadlines:
    """Numbers with a monotonic time each; a number that is done is thrown away when it comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._open: set[int] = set()

    def add(self, at: float, ident: int) -> None:
        """Expect `ident` by `at`."""
        self._open.add(ident)
        heapq.heappush(self._heap, (at, ident))

    def done(self, ident: int) -> None:
        """`ident` has come."""
        self._open.discard(ident)
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._open):
            self._heap = [entry for entry in self._heap if entry[1] in self._open]
            heapq.heapify(self._heap)

    def next(self) -> float | None:
        """The earliest time at which one is over its limit."""
        while self._heap and self._heap[0][1] not in self._open:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def over(self, now: float) -> list[int]:
        """Take out those whose time has come."""
        found = []
        while (first := self.next()) is not None and first <= now:
            _, ident = heapq.heappop(self._heap)
            self._open.discard(ident)
            found.append(ident)
        return found
