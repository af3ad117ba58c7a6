"""Bookings, their answers and what is still to be sent, in one SQLite file that is never half written."""

import contextlib
import datetime as dt
import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hbox_appointment.fhir import Answer, Slot

_TABLES = """
CREATE TABLE IF NOT EXISTS booking (
    id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, slot TEXT NOT NULL,
    department TEXT NOT NULL, doctor TEXT NOT NULL, start TEXT NOT NULL,
    name TEXT NOT NULL, phone TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'booked', 'cancelled', 'refused')),
    reason TEXT NOT NULL, at TEXT NOT NULL, answered TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    booking TEXT PRIMARY KEY, tries INTEGER NOT NULL, due REAL NOT NULL, since REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
# What an answer may change: a pending booking either way; a booked one may still be cancelled.
_MOVES = {("pending", "booked"), ("pending", "cancelled"), ("booked", "cancelled")}
KEPT_DAYS = 30  # as the manifest's retention says


class Unknown(LookupError):
    """There is no booking of that id."""


class Contradiction(ValueError):
    """An answer contradicts the one that stands."""


@dataclass(frozen=True)
class Booking:
    """One booking as its patient may see it; `status` is pending, booked, cancelled or refused."""

    id: str
    slot: str
    department: str
    doctor: str
    start: str
    name: str
    phone: str
    status: str
    reason: str
    at: str


@dataclass(frozen=True)
class Waiting:
    """A booking that the gateway has not accepted yet."""

    booking: Booking
    tries: int


class Store:
    """The module's memory. Safe to use from many threads: each call has its own connection."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._open() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_TABLES)
        self.secret = self._secret()

    @contextlib.contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            # FULL: what the patient or the gateway was told must be on disk before.
            db.execute("PRAGMA synchronous=FULL")
            if write:
                db.execute("BEGIN IMMEDIATE")
            yield db
            if write:
                db.execute("COMMIT")
        finally:
            db.close()

    def _secret(self) -> bytes:
        with self._open(write=True) as db:
            fresh = secrets.token_hex(32)
            db.execute("INSERT OR IGNORE INTO kept VALUES ('secret', ?)", (fresh,))
            row = db.execute("SELECT value FROM kept WHERE name = 'secret'").fetchone()
        return bytes.fromhex(row["value"])

    def book(self, token: str, slot: Slot, name: str, phone: str, due: float) -> str:
        """Keep a booking and queue it; the same token again (a double click) changes nothing.

        Returns the booking's id.
        """
        hashed = _hashed(token)
        with self._open(write=True) as db:
            row = db.execute("SELECT id FROM booking WHERE token_hash = ?", (hashed,)).fetchone()
            if row:
                return str(row["id"])
            booking = secrets.token_hex(16)
            at = dt.datetime.now(tz=dt.UTC).isoformat()
            db.execute(
                "INSERT INTO booking VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', '', ?, '')",
                (
                    booking,
                    hashed,
                    slot.id,
                    slot.department,
                    slot.doctor,
                    slot.start,
                    name,
                    phone,
                    at,
                ),
            )
            db.execute("INSERT INTO outbox VALUES (?, 0, ?, ?)", (booking, due, due))
        return booking

    def taken(self) -> frozenset[str]:
        """Return the slots that somebody here waits for or holds."""
        with self._open() as db:
            rows = db.execute("SELECT slot FROM booking WHERE status IN ('pending', 'booked')")
            return frozenset(str(row["slot"]) for row in rows)

    def by_token(self, token: str) -> Booking:
        """Return the booking that this secret token opens; raises `Unknown`."""
        with self._open() as db:
            row = db.execute(
                "SELECT * FROM booking WHERE token_hash = ?", (_hashed(token),)
            ).fetchone()
        if row is None:
            raise Unknown
        return _booking(row)

    def answer(self, answer: Answer) -> None:
        """Keep the hospital's decision; the same one again changes nothing.

        Raises `Unknown` or `Contradiction`.
        """
        with self._open(write=True) as db:
            row = db.execute(
                "SELECT status FROM booking WHERE id = ?", (answer.booking,)
            ).fetchone()
            if row is None:
                raise Unknown
            # An answer proves that the proposal arrived, whatever became of its acknowledgement.
            db.execute("DELETE FROM outbox WHERE booking = ?", (answer.booking,))
            if row["status"] != answer.status:
                _move(db, row["status"], answer)

    def due(self, at: float) -> list[Waiting]:
        """Return the bookings to be sent now, oldest first."""
        query = (
            "SELECT b.*, o.tries FROM outbox o JOIN booking b ON b.id = o.booking"
            " WHERE o.due <= ? ORDER BY o.since LIMIT 20"
        )
        with self._open() as db:
            return [Waiting(_booking(r), r["tries"]) for r in db.execute(query, (at,)).fetchall()]

    def sent(self, booking: str) -> None:
        """The gateway has accepted it: it is not ours to send any more."""
        with self._open(write=True) as db:
            db.execute("DELETE FROM outbox WHERE booking = ?", (booking,))

    def refused(self, booking: str, reason: str) -> None:
        """The gateway will never accept it: the patient is told so."""
        with self._open(write=True) as db:
            db.execute("DELETE FROM outbox WHERE booking = ?", (booking,))
            db.execute(
                "UPDATE booking SET status = 'refused', reason = ?"
                " WHERE id = ? AND status = 'pending'",
                (reason, booking),
            )

    def later(self, booking: str, due: float) -> None:
        """Try it again at `due`."""
        with self._open(write=True) as db:
            db.execute(
                "UPDATE outbox SET tries = tries + 1, due = ? WHERE booking = ?", (due, booking)
            )

    def backlog(self) -> tuple[int, float]:
        """Return how many bookings wait to be sent and since when the oldest does (0 if none)."""
        query = "SELECT count(*) AS n, coalesce(min(since), 0) AS t FROM outbox"
        with self._open() as db:
            row = db.execute(query).fetchone()
        return int(row["n"]), float(row["t"])

    def forget(self, now: dt.datetime) -> int:
        """Delete settled bookings older than the retention; return how many."""
        before = (now - dt.timedelta(days=KEPT_DAYS)).astimezone(dt.UTC).isoformat()
        with self._open(write=True) as db:
            return db.execute(
                "DELETE FROM booking WHERE at < ? AND id NOT IN (SELECT booking FROM outbox)",
                (before,),
            ).rowcount

    def check(self) -> str:
        """Return "ok" or what SQLite finds wrong with the file; proves that it can be written."""
        with self._open(write=True) as db:
            return str(db.execute("PRAGMA quick_check").fetchone()[0])


def _move(db: sqlite3.Connection, status: str, answer: Answer) -> None:
    if (status, answer.status) not in _MOVES:
        raise Contradiction(f"{status} cannot become {answer.status}")
    at = dt.datetime.now(tz=dt.UTC).isoformat()
    db.execute(
        "UPDATE booking SET status = ?, reason = ?, answered = ? WHERE id = ?",
        (answer.status, answer.reason, at, answer.booking),
    )


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _booking(row: sqlite3.Row) -> Booking:
    names = ("id", "slot", "department", "doctor", "start", "name", "phone", "status", "reason", "at")
    return Booking(*(row[name] for name in names))
