"""Free slots as the hospital gives them, kept for a few seconds so that a rush asks only once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hbox_appointment import fhir
from hbox_appointment.fhir import Slot
from hbox_appointment.link import Gateway, NotReached

FRESH = 5.0  # seconds: not asked again
STALE = 120.0  # seconds: still shown, with a warning, when the hospital does not answer


@dataclass(frozen=True)
class Offer:
    """What a patient is shown; `reached` is false when the hospital did not answer just now."""

    slots: tuple[Slot, ...]
    reached: bool


class Slots:
    """The cache; one thread asks, the others wait for its answer."""

    def __init__(self, gateway: Gateway, taken: Callable[[], frozenset[str]]) -> None:
        """`taken` gives the slots that patients here wait for or hold, before the hospital says so."""
        self._gateway = gateway
        self._taken = taken
        self._lock = threading.Lock()
        self._held: tuple[Slot, ...] = ()
        self._at = float("-inf")
        self._asked = float("-inf")
        self._reached = False

    def offer(self) -> Offer:
        """Return the free slots, at most `FRESH` seconds old, less those taken here meanwhile."""
        held, taken = self._current(), self._taken()
        return Offer(tuple(slot for slot in held.slots if slot.id not in taken), held.reached)

    def find(self, slot: str) -> Slot | None:
        """Return the slot of that id if the hospital offers it: whoever races for it, the HIS decides."""
        return next((s for s in self._current().slots if s.id == slot), None)

    def _current(self) -> Offer:
        with self._lock:
            if time.monotonic() - self._asked >= FRESH:
                self._ask()
            if time.monotonic() - self._at > STALE:
                self._held = ()
            return Offer(self._held, self._reached)

    def _ask(self) -> None:
        try:
            self._held = fhir.slots(self._gateway.slots())
            self._at = time.monotonic()
            self._reached = True
        except (NotReached, fhir.BadResource):
            self._reached = False
        self._asked = time.monotonic()
