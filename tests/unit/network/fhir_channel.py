"""The FHIR channels of these tests, and how to ask them."""

import json
from dataclasses import replace

from network.gateway.channel import Channel, Resource
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import Field

STATED = {"data_class": "personal", "purpose": "test", "approver": "sec", "protocol": "fhir"}
SLOT = Resource(
    "Slot", ("read", "search"), ("date", "status"),
    (Field("id", "id"), Field("status", "code"), Field("start", "instant")),
)  # fmt: skip
PATIENT = Resource(
    "Patient", ("read", "search", "create", "transaction"), ("identifier",), whole=True,
    fields=(
        Field("identifier[].value", "string", carries=("id-card",)),
        Field("telecom[].value", "string", mask="phone", carries=("phone",)),
    ),
)  # fmt: skip
BOOKING = Resource(
    "Appointment", ("create", "transaction"), fields=(
        Field("status", "code", required=True, values=("proposed",)),
        Field("slot[].reference", "reference"),
        Field("participant[].actor.reference", "reference"),
    ),
)  # fmt: skip
CHANNEL = Channel(
    "fhir", "extranet->intranet", "request", "10.88.0.10", "http://10.66.0.10:8080", **STATED,
    path="/fhir", resources=(SLOT, PATIENT, BOOKING),
)  # fmt: skip
STORE = replace(
    CHANNEL,
    lane="store",
    resources=(replace(PATIENT, interactions=("create", "transaction")), BOOKING),
)
ID, PHONE = "11010519491231002X", "13800138000"
LI = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"text": "李"}],
    "identifier": [{"value": ID}],
}


def ask(plan, method, target, body=None, **more):
    told = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    frame = Frame(Kind.ASK, 1, method, target, "10.88.0.10", body=told, **more)
    return plan.ask(frame) if plan.match(frame) else None


def answered(plan, asked, body, status=200, **more):
    told = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plan.answer(asked, Frame(Kind.RESULT, 1, status=status, body=told, **more))


UUID = "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"


def bundle(*entries, kind="transaction"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(resource, url=None, method="POST", **more):
    return {
        "resource": resource,
        "request": {"method": method, "url": url or resource["resourceType"], **more},
    }


BOOKED = {"resourceType": "Appointment", "status": "proposed", "comment": "internal",
          "participant": [{"status": "accepted", "actor": {"reference": UUID}}]}  # fmt: skip
