"""FHIR R4 in and out: writes the proposed Appointment, reads Slots and the hospital's answer."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

SYSTEM = "urn:hbox:booking"
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class BadResource(ValueError):
    """The resource is not what this module takes; the text says which part."""


@dataclass(frozen=True)
class Slot:
    """A bookable time; `start` and `end` are RFC 3339 with the hospital's offset."""

    id: str
    department: str
    doctor: str
    start: str
    end: str


@dataclass(frozen=True)
class Answer:
    """The hospital's decision about one booking: `status` is booked or cancelled."""

    booking: str
    status: str
    reason: str


def proposal(booking: str, slot: str, name: str, phone: str) -> dict[str, Any]:
    """Return the Appointment that asks for a slot. It carries no identity number by design."""
    return {
        "resourceType": "Appointment",
        "contained": [
            {
                "resourceType": "Patient",
                "id": "patient",
                "name": [{"text": name}],
                "telecom": [{"system": "phone", "value": phone}],
            }
        ],
        "identifier": [{"system": SYSTEM, "value": booking}],
        "status": "proposed",
        "slot": [{"reference": f"Slot/{slot}"}],
        "participant": [{"actor": {"reference": "#patient"}, "status": "needs-action"}],
    }


def slots(raw: Any) -> tuple[Slot, ...]:
    """Return the free slots in a searchset Bundle, in its order; raises `BadResource`."""
    if not isinstance(raw, dict) or raw.get("resourceType") != "Bundle":
        raise BadResource("expected a Bundle")
    resources = [entry.get("resource") for entry in _objects(raw, "entry", 1000)]
    return tuple(
        _slot(r)
        for r in resources
        if isinstance(r, dict) and r.get("resourceType") == "Slot" and r.get("status") == "free"
    )


def answer(raw: Any) -> Answer:
    """Return the decision in an Appointment; raises `BadResource`."""
    if not isinstance(raw, dict) or raw.get("resourceType") != "Appointment":
        raise BadResource("expected an Appointment")
    if raw.get("status") not in ("booked", "cancelled"):
        raise BadResource("expected status booked or cancelled")
    ids = [
        _text(i, "value", 64) for i in _objects(raw, "identifier", 10) if i.get("system") == SYSTEM
    ]
    if len(ids) != 1:
        raise BadResource(f"expected one identifier of system {SYSTEM}")
    reason = raw.get("cancelationReason")
    text = reason.get("text") if isinstance(reason, dict) else None
    return Answer(ids[0], raw["status"], text[:100] if isinstance(text, str) else "")


def _slot(raw: dict[str, Any]) -> Slot:
    specialty = _objects(raw, "specialty", 10)
    schedule = raw.get("schedule")
    found = Slot(
        _text(raw, "id", 64),
        _text(specialty[0], "text", 40) if specialty else "",
        _text(schedule, "display", 40) if isinstance(schedule, dict) else "",
        _instant(raw, "start"),
        _instant(raw, "end"),
    )
    if not _ID.fullmatch(found.id):
        raise BadResource("id is not a FHIR id")
    return found


def _objects(raw: dict[str, Any], key: str, most: int) -> list[dict[str, Any]]:
    value = raw.get(key, [])
    if (
        not isinstance(value, list)
        or len(value) > most
        or not all(isinstance(v, dict) for v in value)
    ):
        raise BadResource(f"{key} is not a list of objects")
    return value


def _text(raw: dict[str, Any], key: str, longest: int) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadResource(f"{key} is not a text of 1 to {longest} characters")
    return value


def _instant(raw: dict[str, Any], key: str) -> str:
    text = _text(raw, key, 40)
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise BadResource(f"{key} is not an instant") from error
    if at.tzinfo is None:
        raise BadResource(f"{key} has no offset")
    return text
