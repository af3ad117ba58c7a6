"""The stand-in's HL7 v2 interface: ADT^A04 registers a patient, SIU^S12 asks for a slot and is decided."""

import re
import sqlite3
import time

import hl7

from his_standin import er7
from his_standin.fhir import Decision, Proposal
from his_standin.outbox import Outbox
from his_standin.store import Clash, Store, now

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class BadMessage(ValueError):
    """The message is not what this interface takes."""


class Desk:
    """Takes messages of the gateway; every one is on disk before its acknowledgement."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store, self._outbox = store, outbox

    def take(self, message: hl7.Message) -> str:
        """Take one message; return AA, or AR when it will never do, or AE when it may later."""
        try:
            self._take(message)
        except (Clash, BadMessage, KeyError, IndexError, LookupError):
            return "AR"
        except sqlite3.Error:
            return "AE"
        return "AA"

    def _take(self, message: hl7.Message) -> None:
        kind = "^".join(str(message.segment("MSH")(9)).split("^")[:2])
        patient = _id(message.segment("PID")(3))
        if kind == "ADT^A04":
            name = message.unescape(str(message.segment("PID")(5)).split("^")[0])
            phone = str(message.segment("PID")(13)).split("^")[0]
            if not 0 < len(name) <= 60 or not 0 < len(phone) <= 20:
                raise BadMessage("a patient needs a name and a phone")
            self._store.register(patient, name, phone)
        elif kind == "SIU^S12":
            self._decide(message, patient)
        else:
            raise BadMessage(kind)

    def _decide(self, message: hl7.Message, patient: str) -> None:
        known = self._store.patient(patient)
        if known is None:
            raise BadMessage("this patient was never registered")
        booking, slot = _id(message.segment("SCH")(1)), _id(message.segment("AIS")(3))
        control = str(message.segment("MSH")(10))
        proposal = Proposal(booking, slot, *known)
        self._store.decide(proposal, f"hl7:{control}", time.time(), answer)
        self._outbox.wake()


def answer(decision: Decision) -> str:
    """Return the decision as SIU^S12 (booked) or SIU^S15 (cancelled)."""
    booked = decision.status == "booked"
    kind, word = ("SIU^S12", "Booked") if booked else ("SIU^S15", "Cancelled")
    schedule = {
        1: f"{decision.booking}^HBOX",
        6: "ROUTINE" if booked else er7.escaped(decision.reason),
        25: word,
    }
    return er7.message(
        f"{kind}^SIU_S12",
        "R" + decision.booking[:19],
        now().strftime("%Y%m%d%H%M%S+0000"),
        er7.segment("SCH", schedule),
        er7.segment("RGS", {1: "1"}),
        er7.segment("AIS", {1: "1", 3: er7.escaped(decision.slot)}),
    )


def _id(field: object) -> str:
    found = str(field).split("^")[0]
    if not _ID.fullmatch(found):
        raise BadMessage("an id is missing")
    return found
