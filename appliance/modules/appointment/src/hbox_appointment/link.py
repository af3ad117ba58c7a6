"""The way to the hospital: HTTP and MLLP to the gateway's leg of this zone, nothing else."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from hbox_appointment import hl7line, mllp
from hbox_appointment.fhir import proposal
from hbox_appointment.store import Booking

_LIMIT = 1 << 20  # bytes of an answer


class NotReached(OSError):
    """The gateway did not answer, or not with what was asked for."""


@dataclass(frozen=True)
class Gateway:
    """The gateway's leg at `address`, for HL7 v2 at `mllp`; `timeout` in seconds.

    Bookings of `hl7_departments` go over HL7 v2, all others over FHIR.
    """

    address: tuple[str, int]
    mllp: tuple[str, int] = ("", 0)
    hl7_departments: tuple[str, ...] = ()
    timeout: float = 10.0

    def slots(self) -> Any:
        """Return the parsed Bundle of free slots; raises `NotReached`."""
        status, body = self._ask("GET", "/fhir/Slot?status=free&_count=200", b"")
        if status != 200:
            raise NotReached(f"the gateway answered {status}")
        try:
            return json.loads(body)
        except ValueError as error:
            raise NotReached("the answer is not JSON") from error

    def propose(self, booking: Booking) -> int:
        """Send a proposal; return the HTTP status, or what HL7's means as one (202: it is kept)."""
        if booking.department in self.hl7_departments:
            return self._over_hl7(booking)
        appointment = proposal(booking.id, booking.slot, booking.name, booking.phone)
        return self._ask("POST", "/fhir/Appointment", json.dumps(appointment).encode())[0]

    def _over_hl7(self, booking: Booking) -> int:
        # In this order: the channel keeps it, so the hospital knows the patient before the wish.
        for message in (hl7line.registration(booking), hl7line.request(booking)):
            try:
                code = mllp.send(self.mllp, message, self.timeout)
            except OSError as error:
                raise NotReached(str(error)) from error
            if code not in ("AA", "CA"):
                return 422 if code in ("AR", "CR") else 503
        return 202

    def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        link = http.client.HTTPConnection(*self.address, timeout=self.timeout)
        headers = {"Content-Type": "application/fhir+json"} if body else {}
        try:
            link.request(method, path, body or None, headers)
            answer = link.getresponse()
            said = answer.read(_LIMIT + 1)
        except (OSError, http.client.HTTPException) as error:
            raise NotReached(type(error).__name__) from error
        finally:
            link.close()
        if len(said) > _LIMIT:
            raise NotReached("the answer is too long")
        return answer.status, said
