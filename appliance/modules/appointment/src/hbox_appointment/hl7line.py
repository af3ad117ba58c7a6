"""HL7 v2.5.1 in and out: registers the patient (ADT^A04), asks for the slot (SIU^S12), reads the answer."""

import datetime as dt
from typing import TYPE_CHECKING

import hl7

from hbox_appointment.fhir import Answer, BadResource

if TYPE_CHECKING:
    from hbox_appointment.store import Booking

CHARSET = "gb18030"
_STATUS = {"SIU^S12": "booked", "SIU^S15": "cancelled"}
_ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": " ", "\n": " "}


def registration(booking: "Booking") -> str:
    """Return the ADT^A04 that tells the hospital who asks. It carries no identity number by design."""
    at = _stamp(booking.at)
    patient = {1: "1", 3: f"{booking.id}^^^HBOX", 5: _escaped(booking.name), 13: booking.phone}
    return _message("ADT^A04^ADT_A01", "A", booking, _segment("EVN", {2: at}), _segment("PID", patient))


def request(booking: "Booking") -> str:
    """Return the SIU^S12 that asks for a slot on behalf of a registered patient."""
    return _message(
        "SIU^S12^SIU_S12",
        "S",
        booking,
        _segment("SCH", {1: f"{booking.id}^HBOX", 6: "ROUTINE", 25: "Pending"}),
        _segment("PID", {1: "1", 3: f"{booking.id}^^^HBOX"}),
        _segment("RGS", {1: "1"}),
        _segment("AIS", {1: "1", 3: _escaped(booking.slot), 4: _stamp(booking.start)}),
    )


def answer(message: hl7.Message) -> Answer:
    """Return the decision in a SIU^S12 (booked) or SIU^S15 (cancelled); raises `BadResource`."""
    kind = "^".join(str(message.segment("MSH")(9)).split("^")[:2])
    if kind not in _STATUS:
        raise BadResource(f"expected SIU^S12 or SIU^S15, not {kind[:20]}")
    try:
        schedule = message.segment("SCH")
        booking = str(schedule(1)).split("^")[0]
        reason = message.unescape(str(schedule(6))) if len(schedule) > 6 else ""
    except (KeyError, IndexError) as error:
        raise BadResource("there is no SCH-1") from error
    status = _STATUS[kind]
    return Answer(booking[:64], status, reason[:100] if status == "cancelled" else "")


def _message(kind: str, mark: str, booking: "Booking", *segments: str) -> str:
    # The control id and the time are those of the booking: sent again, it is the same message.
    head = {
        2: "^~\\&", 3: "HBOX-APPT", 4: "HBOX", 5: "HIS", 6: "HOSPITAL", 7: _stamp(booking.at),
        9: kind, 10: mark + booking.id[:19], 11: "P", 12: "2.5.1", 17: "CHN", 18: "GB 18030-2000",
    }  # fmt: skip
    first = "MSH|" + "|".join(head.get(i, "") for i in range(2, 19))
    return "\r".join((first, *segments)) + "\r"


def _segment(name: str, fields: dict[int, str]) -> str:
    return "|".join((name, *(fields.get(i, "") for i in range(1, max(fields) + 1))))


def _stamp(at: str) -> str:
    moment = dt.datetime.fromisoformat(at)
    return moment.strftime("%Y%m%d%H%M%S") + moment.strftime("%z").replace(":", "")


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in text)
