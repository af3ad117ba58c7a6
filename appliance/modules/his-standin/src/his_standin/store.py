"""Slots, bookings and answers still to be sent, in one SQLite file; every decision is one transaction."""

import contextlib
import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from his_standin.fhir import Decision, Proposal, appointment
from his_standin.sample import ZONE, Slot, slots

_TABLES = """
CREATE TABLE IF NOT EXISTS slot (
    id TEXT PRIMARY KEY, department TEXT NOT NULL, doctor_id TEXT NOT NULL, doctor TEXT NOT NULL,
    start TEXT NOT NULL, end TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('free', 'busy'))
) STRICT;
CREATE TABLE IF NOT EXISTS booking (
    id TEXT PRIMARY KEY, slot TEXT NOT NULL, name TEXT NOT NULL, phone TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('booked', 'cancelled')), reason TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_booking_per_slot ON booking (slot) WHERE status = 'booked';
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, booking TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    booking TEXT PRIMARY KEY, body TEXT NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL,
    since REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS patient (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL
) STRICT;
"""


KEPT_DAYS = 30  # as the manifest's retention says


Tell = Callable[[Decision], str]


def as_fhir(decision: Decision) -> str:
    """Return the answer as a FHIR R4 Appointment."""
    return json.dumps(appointment(decision), ensure_ascii=False)


class Clash(ValueError):
    """A delivery or booking id came again with another content."""


def now() -> dt.datetime:
    """Return the present instant in UTC."""
    return dt.datetime.now(tz=dt.UTC)


class Store:
    """The stand-in's memory. Safe to use from many threads: each call has its own connection."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._filled = ""
        with self._open() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_TABLES)

    @contextlib.contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            # FULL: an answer to the gateway must be on disk before it is given.
            db.execute("PRAGMA synchronous=FULL")
            if write:
                db.execute("BEGIN IMMEDIATE")
            yield db
            if write:
                db.execute("COMMIT")
        finally:
            db.close()

    def fill(self) -> None:
        """Once a day: make the slots of the next days, forget bookings older than the retention."""
        at = now()
        today = at.astimezone(ZONE).date().isoformat()
        if self._filled == today:
            return
        rows = [(s.id, s.department, s.doctor_id, s.doctor, s.start, s.end) for s in slots(at)]
        before = (at - dt.timedelta(days=KEPT_DAYS)).isoformat()
        with self._open(write=True) as db:
            db.executemany("INSERT OR IGNORE INTO slot VALUES (?, ?, ?, ?, ?, ?, 'free')", rows)
            db.execute("DELETE FROM delivery WHERE at < ?", (before,))
            db.execute(
                "DELETE FROM booking WHERE at < ? AND id NOT IN (SELECT booking FROM outbox)",
                (before,),
            )
        self._filled = today

    def slots(
        self, status: str | None, since: str, until: str, count: int
    ) -> list[tuple[Slot, str]]:
        """Return slots with `since` <= start < `until` (text order, one time zone), earliest first."""
        query = (
            "SELECT * FROM slot WHERE start >= ? AND start < ? AND (? IS NULL OR status = ?)"
            " ORDER BY start, id LIMIT ?"
        )
        with self._open() as db:
            rows = db.execute(query, (since, until, status, status, count)).fetchall()
        return [
            (
                Slot(r["id"], r["department"], r["doctor_id"], r["doctor"], r["start"], r["end"]),
                r["status"],
            )
            for r in rows
        ]

    def decide(
        self, proposal: Proposal, delivery: str, due: float, tell: Tell = as_fhir
    ) -> Decision:
        """Decide once and for good, queue the answer, remember the delivery: all or nothing.

        The same delivery or booking again returns the first decision (and queues the answer again:
        who repeats a proposal has perhaps not seen it), written by `tell`. Another content under the same id raises
        `Clash`.
        """
        body = hashlib.sha256(repr(proposal).encode()).hexdigest()
        with self._open(write=True) as db:
            known = db.execute("SELECT body FROM delivery WHERE id = ?", (delivery,)).fetchone()
            if known and known["body"] != body:
                raise Clash("this delivery id came before with another content")
            row = db.execute("SELECT * FROM booking WHERE id = ?", (proposal.booking,)).fetchone()
            if row and (row["slot"], row["name"], row["phone"]) != (
                proposal.slot,
                proposal.name,
                proposal.phone,
            ):
                raise Clash("this booking id came before with another content")
            decision = _decided(row) if row else _decide(db, proposal)
            db.execute(
                "INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, ?)",
                (delivery, body, proposal.booking, now().isoformat()),
            )
            answer = tell(decision)
            db.execute(
                "INSERT OR IGNORE INTO outbox VALUES (?, ?, 0, ?, ?)",
                (proposal.booking, answer, due, due),
            )
        return decision

    def register(self, patient: str, name: str, phone: str) -> None:
        """Keep or renew who a patient is."""
        with self._open(write=True) as db:
            db.execute("INSERT OR REPLACE INTO patient VALUES (?, ?, ?)", (patient, name, phone))

    def patient(self, patient: str) -> tuple[str, str] | None:
        """Return name and phone of a registered patient, None for an unknown one."""
        with self._open() as db:
            row = db.execute("SELECT name, phone FROM patient WHERE id = ?", (patient,)).fetchone()
        return (row["name"], row["phone"]) if row else None

    def due(self, at: float) -> list[sqlite3.Row]:
        """Return the answers to be sent now, oldest first."""
        query = "SELECT * FROM outbox WHERE due <= ? ORDER BY since LIMIT 20"
        with self._open() as db:
            return db.execute(query, (at,)).fetchall()

    def sent(self, booking: str) -> None:
        """Forget an answer that the gateway has accepted."""
        with self._open(write=True) as db:
            db.execute("DELETE FROM outbox WHERE booking = ?", (booking,))

    def later(self, booking: str, due: float) -> None:
        """Try an answer again at `due`."""
        with self._open(write=True) as db:
            db.execute(
                "UPDATE outbox SET tries = tries + 1, due = ? WHERE booking = ?", (due, booking)
            )

    def bookings(self) -> list[dict[str, Any]]:
        """Return the last 200 decisions for the staff's page, newest first, phones masked."""
        query = (
            "SELECT b.*, s.department, s.doctor, s.start FROM booking b LEFT JOIN slot s"
            " ON s.id = b.slot ORDER BY b.at DESC LIMIT 200"
        )
        with self._open() as db:
            rows = db.execute(query).fetchall()
        return [{**dict(r), "phone": r["phone"][:3] + "****" + r["phone"][-4:]} for r in rows]

    def backlog(self) -> tuple[int, float]:
        """Return how many answers wait and since when the oldest does (0 if none)."""
        with self._open() as db:
            row = db.execute(
                "SELECT count(*) AS n, coalesce(min(since), 0) AS t FROM outbox"
            ).fetchone()
        return int(row["n"]), float(row["t"])

    def check(self) -> str:
        """Return "ok" or what SQLite finds wrong with the file; proves that it can be written."""
        with self._open(write=True) as db:
            return str(db.execute("PRAGMA quick_check").fetchone()[0])


def _decided(row: sqlite3.Row) -> Decision:
    return Decision(row["id"], row["slot"], row["status"], row["reason"])


def _decide(db: sqlite3.Connection, proposal: Proposal) -> Decision:
    at = now()
    taken = db.execute(
        "UPDATE slot SET status = 'busy' WHERE id = ? AND status = 'free' AND start > ?",
        (proposal.slot, at.astimezone(ZONE).isoformat()),
    ).rowcount
    status, reason = (
        ("booked", "") if taken else ("cancelled", "该号源已被约满 / The slot is taken")
    )
    db.execute(
        "INSERT INTO booking VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            proposal.booking,
            proposal.slot,
            proposal.name,
            proposal.phone,
            status,
            reason,
            at.isoformat(),
        ),
    )
    return Decision(proposal.booking, proposal.slot, status, reason)
