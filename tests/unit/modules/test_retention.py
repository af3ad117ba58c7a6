"""Bookings are forgotten after the days that the manifest promises, in both modules."""

import sqlite3
import time

from tests.unit.modules.chain import Chain


def test_old_bookings_are_forgotten_after_the_retention(own_chain: Chain) -> None:
    patient = own_chain.browser()
    kept, old = (patient.book(slot) for slot in own_chain.slots()[-2:])
    for booking in (kept, old):
        assert patient.settled(booking) == "booked"
    for module, column in ((own_chain.appointment, "token_hash"), (own_chain.his, "id")):
        path = module.folder / "data" / ("his.sqlite" if column == "id" else "appointment.sqlite")
        module.end()
        with sqlite3.connect(path) as db:
            row = db.execute(f"SELECT {column} FROM booking ORDER BY at DESC LIMIT 1").fetchone()
            db.execute(f"UPDATE booking SET at = '2020-01-01' WHERE {column} = ?", row)
        db.close()
        module.start()
    assert patient.status(kept) == "booked"
    deadline = time.monotonic() + 10
    while patient.ask("GET", old).status == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert patient.ask("GET", old).status == 404
    staff = own_chain.his.get("/")[1]
    assert staff.count("138****0000") == 1


def test_a_database_that_fails_for_a_while_loses_nothing(own_chain: Chain) -> None:
    patient = own_chain.browser()
    patient.ask("GET", "/")
    own_chain.relay.open = False
    booking = patient.book(own_chain.slots()[-1])
    folder = own_chain.appointment.folder / "data"
    hidden = folder.with_name("hidden")
    folder.rename(hidden)
    own_chain.relay.open = True
    assert patient.ask("GET", booking).status == 500
    time.sleep(2.5)  # the outbox meets the missing database at least once
    hidden.rename(folder)
    assert patient.settled(booking) == "booked"
    assert "the database did not answer" in (own_chain.appointment.folder / "log").read_text()
