"""What the gateway brings (the hospital's answers) and what the box asks (health)."""

import json
import sqlite3
import time
from typing import Any

import hl7
from flask import Blueprint, Response, abort, request

from hbox_appointment import VERSION, fhir, hl7line
from hbox_appointment.slots import Slots
from hbox_appointment.store import Contradiction, Store, Unknown

_STALLED = 300.0  # seconds a booking may wait before the module calls itself unwell


def make(store: Store, slots: Slots, gateway_host: str) -> Blueprint:
    """Return the part of the application that is not for patients."""
    inbound = Blueprint("inbound", __name__)

    @inbound.post("/fhir/Appointment")
    def answered() -> Response:
        _only(gateway_host)
        if not request.headers.get("X-HBox-Delivery"):
            return _outcome("required", "X-HBox-Delivery is missing", 400)
        # Idempotent by content: the same decision about the same booking changes nothing.
        try:
            store.answer(fhir.answer(json.loads(request.get_data(cache=False))))
        except Unknown:
            return _outcome("not-found", "no such booking", 404)
        except Contradiction as error:
            return _outcome("conflict", str(error), 409)
        except (ValueError, RecursionError) as error:
            return _outcome("invalid", str(error)[:200], 422)
        return Response("{}", 200, content_type="application/fhir+json")

    @inbound.get("/health/<probe>")
    def health(probe: str) -> Response:
        _only("127.0.0.1")
        said: dict[str, Any] = {"status": "ok", "module": "appointment", "version": VERSION}
        if probe not in ("live", "ready", "deep"):
            abort(404)
        if probe != "live":
            said["database"] = store.check()
        if probe == "deep":
            waiting, since = store.backlog()
            offer = slots.offer()
            said["hospital_reached"], said["free_slots"] = offer.reached, len(offer.slots)
            said["bookings_waiting"] = waiting
            said["oldest_waits_seconds"] = round(time.time() - since) if waiting else 0
        well = (
            said.get("database", "ok") == "ok"
            and said.get("hospital_reached", True)
            and said.get("oldest_waits_seconds", 0) < _STALLED
        )
        said["status"] = "ok" if well else "failing"
        return Response(json.dumps(said), 200 if well else 503, mimetype="application/json")

    return inbound


def hl7_answer(store: Store, message: hl7.Message) -> str:
    """Take a decision that came as HL7 v2; return the acknowledgement code."""
    try:
        store.answer(hl7line.answer(message))
    except (Unknown, Contradiction, ValueError):
        return "AR"
    except sqlite3.Error:
        return "AE"  # a full disk, say: the gateway comes again
    return "AA"


def _only(host: str) -> None:
    # Addresses are given by the controller and filtered on the bridge; this is the second lock.
    if request.remote_addr != host:
        abort(404)


def _outcome(code: str, text: str, status: int) -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(body, status, content_type="application/fhir+json")
