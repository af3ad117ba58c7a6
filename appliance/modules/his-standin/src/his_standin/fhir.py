"""FHIR R4 in and out: reads a proposed Appointment strictly, writes Slot, Appointment, OperationOutcome."""

import re
from dataclasses import dataclass
from typing import Any

from his_standin.sample import Slot

SYSTEM = "urn:hbox:booking"
TYPE = "application/fhir+json; charset=utf-8"
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class BadResource(ValueError):
    """The resource is not what this interface takes; the text says which part."""


@dataclass(frozen=True)
class Proposal:
    """A patient's wish: the caller's booking id, the slot wanted, name and phone."""

    booking: str
    slot: str
    name: str
    phone: str


@dataclass(frozen=True)
class Decision:
    """The answer of the HIS to one proposal: `status` is booked or cancelled."""

    booking: str
    slot: str
    status: str
    reason: str


def proposal(raw: Any) -> Proposal:
    """Return the proposal in a parsed Appointment; raises `BadResource`."""
    resource = _object(raw, "Appointment")
    if resource.get("resourceType") != "Appointment" or resource.get("status") != "proposed":
        raise BadResource("expected an Appointment with status proposed")
    booking = [
        _text(i, "value", 64) for i in _objects(resource, "identifier") if i.get("system") == SYSTEM
    ]
    slots = [_text(s, "reference", 80) for s in _objects(resource, "slot")]
    if len(booking) != 1 or not _ID.fullmatch(booking[0]):
        raise BadResource(f"expected one identifier of system {SYSTEM}")
    if len(slots) != 1 or not re.fullmatch(r"Slot/[A-Za-z0-9.-]{1,64}", slots[0]):
        raise BadResource("expected one slot, as Slot/<id>")
    name, phone = _patient(resource)
    return Proposal(booking[0], slots[0].removeprefix("Slot/"), name, phone)


def _patient(resource: dict[str, Any]) -> tuple[str, str]:
    patients = [c for c in _objects(resource, "contained") if c.get("resourceType") == "Patient"]
    if len(patients) != 1:
        raise BadResource("expected one contained Patient")
    names = [_text(n, "text", 60) for n in _objects(patients[0], "name")]
    phones = [
        _text(t, "value", 20)
        for t in _objects(patients[0], "telecom")
        if t.get("system") == "phone"
    ]
    if len(names) != 1 or len(phones) != 1:
        raise BadResource("expected one name and one phone")
    return names[0], phones[0]


def _object(raw: Any, what: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadResource(f"{what} is not an object")
    return raw


def _objects(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key, [])
    if not isinstance(value, list) or len(value) > 10:
        raise BadResource(f"{key} is not a short list")
    return [_object(one, key) for one in value]


def _text(raw: dict[str, Any], key: str, longest: int) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadResource(f"{key} is not a text of 1 to {longest} characters")
    return value


def slot(one: Slot, status: str) -> dict[str, Any]:
    """Return a Slot resource."""
    return {
        "resourceType": "Slot",
        "id": one.id,
        "specialty": [{"text": one.department}],
        "schedule": {"reference": f"Schedule/{one.doctor_id}", "display": one.doctor},
        "status": status,
        "start": one.start,
        "end": one.end,
    }


def bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a searchset Bundle."""
    entries = [{"resource": r, "search": {"mode": "match"}} for r in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def appointment(decision: Decision) -> dict[str, Any]:
    """Return the Appointment that tells a decision."""
    booked = decision.status == "booked"
    actor = {"display": "模拟 HIS (stand-in)"}
    resource = {
        "resourceType": "Appointment",
        "identifier": [{"system": SYSTEM, "value": decision.booking}],
        "status": decision.status,
        "slot": [{"reference": f"Slot/{decision.slot}"}],
        "participant": [{"actor": actor, "status": "accepted" if booked else "declined"}],
    }
    return resource if booked else resource | {"cancelationReason": {"text": decision.reason}}


def outcome(code: str, text: str) -> dict[str, Any]:
    """Return an OperationOutcome of severity error; `code` is an IssueType."""
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
