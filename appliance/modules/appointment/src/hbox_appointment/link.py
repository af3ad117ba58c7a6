"""The way to the hospital: HTTP to the gateway's leg of this zone, nothing else."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

_LIMIT = 1 << 20  # bytes of an answer


class NotReached(OSError):
    """The gateway did not answer, or not with what was asked for."""


@dataclass(frozen=True)
class Gateway:
    """The gateway's leg at `address`; `timeout` in seconds."""

    address: tuple[str, int]
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

    def propose(self, appointment: dict[str, Any]) -> int:
        """Send a proposal; return the HTTP status (202: it is kept and will arrive)."""
        return self._ask("POST", "/fhir/Appointment", json.dumps(appointment).encode())[0]

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
