"""The booking chain: one booking per slot, nothing lost, nothing doubled, one's own booking only."""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

from tests.unit.modules.chain import Browser, Chain
from tests.unit.modules.relay import Relay


def proposal(booking: str, slot: str, name: str = "测试", phone: str = "13800000000") -> bytes:
    resource = {
        "resourceType": "Appointment",
        "identifier": [{"system": "urn:hbox:booking", "value": booking}],
        "status": "proposed",
        "slot": [{"reference": f"Slot/{slot}"}],
        "contained": [
            {
                "resourceType": "Patient",
                "id": "patient",
                "name": [{"text": name}],
                "telecom": [{"system": "phone", "value": phone}],
            }
        ],
        "participant": [{"actor": {"reference": "#patient"}, "status": "needs-action"}],
    }
    return json.dumps(resource).encode()


def propose(chain: Chain, delivery: str, body: bytes) -> tuple[int, dict[str, object]]:
    status, said = Relay.ask(
        chain.his.port, "POST", "/fhir/Appointment", body, {"X-HBox-Delivery": delivery}
    )
    return status, json.loads(said)


def test_a_patient_books_and_sees_the_hospitals_answer(chain: Chain) -> None:
    patient = chain.browser()
    page = patient.ask("GET", "/")
    assert page.status == 200
    slot = chain.slots()[-1]
    assert f"/book/{slot}" in page.text
    booking = patient.book(slot)
    assert "我的预约" in patient.ask("GET", booking).text
    assert patient.settled(booking) == "booked"
    assert "预约成功" in patient.ask("GET", booking).text
    assert slot not in chain.slots()
    staff = chain.his.get("/")[1]
    assert "模拟" in staff
    assert "138****0000" in staff


def test_fifty_patients_want_one_slot_and_one_gets_it(chain: Chain) -> None:
    slot = chain.slots()[-1]

    def one(_: int) -> str:
        patient = chain.browser()
        return patient.settled(patient.book(slot))

    with ThreadPoolExecutor(50) as pool:
        got = list(pool.map(one, range(50)))
    assert sorted(got) == ["booked"] + ["cancelled"] * 49


def test_the_his_decides_once_under_parallel_proposals(chain: Chain) -> None:
    slot = chain.slots()[-1]

    def one(n: int) -> str:
        return str(propose(chain, f"par-{n}", proposal(f"par-{n}", slot))[1]["status"])

    with ThreadPoolExecutor(50) as pool:
        got = list(pool.map(one, range(50)))
    assert sorted(got) == ["booked"] + ["cancelled"] * 49


def test_the_same_proposal_again_gives_the_same_decision(chain: Chain) -> None:
    slot = chain.slots()[-1]
    body = proposal("again", slot)
    first = propose(chain, "again-1", body)
    assert first[0] == 201
    assert propose(chain, "again-1", body) == first
    assert propose(chain, "again-2", body) == first
    other = proposal("again", chain.slots()[-1])
    assert propose(chain, "again-1", other)[0] == 409
    assert propose(chain, "again-3", other)[0] == 409


def test_a_double_click_books_once(chain: Chain) -> None:
    patient = chain.browser()
    slot = chain.slots()[-1]
    hidden = patient.form(slot)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: patient.submit(slot, hidden), range(8)))
    assert {a.status for a in answers} == {303}
    assert len({a.headers["Location"] for a in answers}) == 1
    assert patient.settled(answers[0].headers["Location"]) == "booked"


def test_a_booking_opens_with_its_own_token_only(chain: Chain) -> None:
    one, other = chain.browser(), chain.browser()
    slots = chain.slots()
    mine, theirs = one.book(slots[-1]), other.book(slots[-2])
    assert mine != theirs
    for guess in (mine[:-1] + "x", "/b/1", mine.upper(), "/b/" + "0" * 64):
        assert one.ask("GET", guess).status == 404
        assert one.ask("GET", guess + "/state").status == 404


def test_lost_acknowledgements_and_double_deliveries_book_once(own_chain: Chain) -> None:
    own_chain.relay.lose_acks = 2
    own_chain.relay.twice = True
    patient = own_chain.browser()
    slots = own_chain.slots()
    booked = [patient.book(slot) for slot in slots[-3:]]
    assert [patient.settled(b) for b in booked] == ["booked"] * 3
    assert len(own_chain.slots()) == len(slots) - 3


def test_a_killed_module_loses_nothing(own_chain: Chain) -> None:
    patient = own_chain.browser()
    slots = own_chain.slots()[-3:]
    patient.ask("GET", "/")
    own_chain.relay.open = False
    booked = [patient.book(slot) for slot in slots]
    own_chain.appointment.kill()
    own_chain.appointment.start()
    assert [patient.status(b) for b in booked] == ["pending"] * 3
    own_chain.relay.open = True
    deadline = time.monotonic() + 20
    while len(own_chain.slots()) > 72 - 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    own_chain.his.kill()
    own_chain.his.start()
    assert [patient.settled(b, 30) for b in booked] == ["booked"] * 3
    assert own_chain.appointment.get("/health/deep")[0] == 200


def test_the_his_killed_before_it_answered_answers_after(own_chain: Chain) -> None:
    patient = own_chain.browser()
    slot = own_chain.slots()[-1]
    own_chain.relay.appointment = 1  # nobody there: the answer cannot be delivered yet
    booking = patient.book(slot)
    deadline = time.monotonic() + 20
    while slot in own_chain.slots() and time.monotonic() < deadline:
        time.sleep(0.05)
    own_chain.his.kill()
    own_chain.his.start()
    assert patient.status(booking) == "pending"
    own_chain.relay.appointment = own_chain.appointment.port
    assert patient.settled(booking, 30) == "booked"


def test_nothing_but_name_and_phone_is_kept_or_sent(chain: Chain) -> None:
    path = chain.appointment.folder / "data" / "appointment.sqlite"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(booking)")]
    db.close()
    assert columns == [
        "id", "token_hash", "slot", "department", "doctor", "start", "name", "phone", "status",
        "reason", "at", "answered",
    ]  # fmt: skip


def test_refused_content_is_told_to_the_patient(own_chain: Chain) -> None:
    # A gateway that refuses the content for good: the patient must not wait for ever.
    patient = Browser(own_chain.appointment.port)
    slot = own_chain.slots()[-1]
    hidden = patient.form(slot)
    own_chain.relay.refuse = 422
    location = patient.submit(slot, hidden).headers["Location"]
    assert patient.settled(location) == "refused"
    assert "提交未被接受" in patient.ask("GET", location).text
