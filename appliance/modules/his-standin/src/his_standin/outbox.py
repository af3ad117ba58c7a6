"""Sends decided answers to the gateway until it has accepted them; survives restarts."""

import http.client
import logging
import sqlite3
import threading
import time
from urllib.parse import urlsplit

from his_standin import mllp
from his_standin.store import Store

_LOG = logging.getLogger(__name__)
_LONGEST = 60.0  # seconds between two tries
_IDLE = 5.0


class Outbox(threading.Thread):
    """One thread that empties the store's outbox."""

    def __init__(self, store: Store, gateway: str, mllp_port: int) -> None:
        super().__init__(name="outbox", daemon=True)
        self._store = store
        self._gateway = urlsplit(gateway)
        self._mllp = (self._gateway.hostname or "", mllp_port)
        self._wake = threading.Event()
        self._ending = False
        self._waiting = False

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
            self._wake.wait(1.0 if self._waiting else _IDLE)
            self._wake.clear()

    def _round(self) -> None:
        for row in self._store.due(time.time()):
            if self._ending:
                return
            self._one(row["booking"], row["body"], row["tries"])
        self._waiting = self._store.backlog()[0] > 0

    def wake(self) -> None:
        """Something new is in the outbox."""
        self._wake.set()

    def end(self) -> None:
        """Stop after the message that is being sent."""
        self._ending = True
        self._wake.set()
        self.join(15)

    def _one(self, booking: str, body: str, tries: int) -> None:
        try:
            status = self._send(body)
        except (OSError, http.client.HTTPException) as error:
            status = 0
            _LOG.warning("gateway not reached: %s", type(error).__name__)
        if 200 <= status < 300:
            self._store.sent(booking)
            return
        # A refusal is tried again as well: a channel may be opened later, and nothing may be lost.
        _LOG.warning("answer for %s not accepted: status %d, try %d", booking, status, tries + 1)
        self._store.later(booking, time.time() + min(_LONGEST, 2.0**tries))


    def _send(self, body: str) -> int:
        if body.startswith("MSH|"):
            return 202 if mllp.send(self._mllp, body, 10.0) in ("AA", "CA") else 503
        return post(self._gateway.hostname or "", self._gateway.port or 80, body)


def post(host: str, port: int, body: str) -> int:
    """POST one Appointment to the gateway; return the HTTP status."""
    link = http.client.HTTPConnection(host, port, timeout=10)
    try:
        link.request(
            "POST", "/fhir/Appointment", body.encode(), {"Content-Type": "application/fhir+json"}
        )
        answer = link.getresponse()
        answer.read(65536)
        return answer.status
    finally:
        link.close()
