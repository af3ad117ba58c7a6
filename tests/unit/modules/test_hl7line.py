"""Departments whose systems speak HL7 v2: registered by ADT, booked by SIU, answered by SIU."""

import asyncio

import hl7
import pytest
from hl7.mllp import open_hl7_connection

from tests.unit.modules.chain import Chain

HEAD = "MSH|^~\\&|X|X|HIS|H|20261121093000+0800||{kind}|{control}|P|2.5.1|||||CHN|GB 18030-2000\r"


def tell(chain: Chain, *messages: str) -> list[str]:
    """Send messages to the HIS over one connection; return the acknowledgement codes."""

    async def talk() -> list[str]:
        reader, writer = await open_hl7_connection(
            "127.0.0.1", chain.his.mllp[0], encoding="gb18030"
        )
        codes = []
        for message in messages:
            writer.writemessage(hl7.parse(message))
            codes.append(str((await asyncio.wait_for(reader.readmessage(), 10)).segment("MSA")(1)))
        writer.close()
        return codes

    return asyncio.run(talk())


def adt(patient: str, name: str = "张三", phone: str = "13800000000") -> str:
    head = HEAD.format(kind="ADT^A04^ADT_A01", control=f"A{patient}")
    return f"{head}EVN||20261121\rPID|1||{patient}^^^HBOX||{name}||||||||{phone}\r"


def siu(booking: str, patient: str, slot: str, control: str = "") -> str:
    head = HEAD.format(kind="SIU^S12^SIU_S12", control=control or f"S{booking}")
    return f"{head}SCH|{booking}^HBOX\rPID|1||{patient}^^^HBOX\rRGS|1\rAIS|1||{slot}\r"


def test_a_department_of_the_old_interface_books_as_well(chain: Chain) -> None:
    slot = chain.radiology()[0]
    patient = chain.browser()
    booking = patient.book(slot, name="欧阳明月")
    assert patient.settled(booking) == "booked"
    staff = chain.his.get("/")[1]
    assert "欧阳明月" in staff


def test_the_second_who_wants_the_slot_is_told_so(chain: Chain) -> None:
    slot = chain.radiology()[1]
    first, second = chain.browser(), chain.browser()
    hidden = second.form(slot)
    assert first.settled(first.book(slot)) == "booked"
    done = second.submit(slot, hidden)
    assert done.status == 303
    assert second.settled(str(done.headers["Location"])) == "cancelled"


def test_a_slot_for_a_patient_whom_nobody_registered_is_rejected(chain: Chain) -> None:
    slot = chain.radiology()[2]
    assert tell(chain, siu("b-unknown", "nobody", slot)) == ["AR"]
    assert slot in chain.radiology()


def test_the_same_message_again_has_no_second_effect(chain: Chain) -> None:
    one, two = chain.radiology()[2:4]
    wish = siu("b-twice", "p1", one)
    assert tell(chain, adt("p1"), wish, wish) == ["AA", "AA", "AA"]
    assert one not in chain.radiology()
    other = siu("b-twice", "p1", two)
    assert tell(chain, other) == ["AR"]
    assert two in chain.radiology()


@pytest.mark.parametrize(
    "message",
    [
        HEAD.format(kind="ORU^R01", control="x") + "PID|1||p1\r",
        HEAD.format(kind="SIU^S12", control="x"),
        HEAD.format(kind="ADT^A04", control="x") + "PID|1||p2||||||||||\r",
        HEAD.format(kind="SIU^S12", control="x") + "SCH|../etc\rPID|1||p1\rAIS|1||s\r",
    ],
)
def test_what_the_interface_does_not_know_is_rejected(chain: Chain, message: str) -> None:
    assert tell(chain, message) == ["AR"]


def test_an_answer_in_hl7_about_nobodys_booking_changes_nothing(chain: Chain) -> None:
    chain.his.mllp, kept = (chain.appointment.mllp[0], chain.his.mllp[1]), chain.his.mllp
    try:
        head = HEAD.format(kind="SIU^S15^SIU_S12", control="R1")
        assert tell(chain, head + "SCH|nobody^HBOX|||||full\r") == ["AR"]
    finally:
        chain.his.mllp = kept
