"""Sends bookings to the gateway until it has accepted them; survives restarts; never sends a new one twice."""

import datetime as dt
import logging
import sqlite3
import threading
import time

from hbox_appointment.link import Gateway, NotReached
from hbox_appointment.store import Store, Waiting

_LOG = logging.getLogger(__name__)
_LONGEST = 60.0  # seconds between two tries
_HOUR = 3600.0
# The content itself was refused; the same content will be refused again.
_HOPELESS = (400, 413, 415, 422)


class Outbox(threading.Thread):
    """One thread that empties the store's outbox and forgets old bookings."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        super().__init__(name="outbox", daemon=True)
        self._store = store
        self._gateway = gateway
        self._wake = threading.Event()
        self._ending = False
        self._waiting = False
        self._forgot = float("-inf")

    def run(self) -> None:
        """Send what is due; sleep until woken or until something may be due."""
        while not self._ending:
            try:
                self._round()
            except sqlite3.Error:
                # A full disk, say: this thread must outlive it, or bookings would wait for ever.
                _LOG.exception("the database did not answer")
                self._wake.clear()
                self._wake.wait(1.0)
                continue
            self._wake.wait(1.0 if self._waiting else 5.0)
            self._wake.clear()

    def _round(self) -> None:
        if time.monotonic() - self._forgot > _HOUR:
            self._store.forget(dt.datetime.now(tz=dt.UTC))
            self._forgot = time.monotonic()
        for waiting in self._store.due(time.time()):
            if self._ending:
                return
            self._one(waiting)
        self._waiting = self._store.backlog()[0] > 0

    def wake(self) -> None:
        """Something new is in the outbox."""
        self._wake.set()

    def end(self) -> None:
        """Stop after the message that is being sent."""
        self._ending = True
        self._wake.set()
        self.join(15)

    def _one(self, waiting: Waiting) -> None:
        b = waiting.booking
        try:
            status = self._gateway.propose(b)
        except NotReached as error:
            status = 0
            _LOG.warning("gateway not reached: %s", error)
        if 200 <= status < 300:
            self._store.sent(b.id)
        elif status in _HOPELESS:
            _LOG.error("booking %s was refused: status %d", b.id, status)
            self._store.refused(b.id, f"HTTP {status}")
        else:
            _LOG.warning("booking %s not accepted: status %d, try %d", b.id, status, waiting.tries)
            self._store.later(b.id, time.time() + min(_LONGEST, 2.0**waiting.tries))
