"""Sealing the journal: signed in time, sent to syslog, never over another journal; retention at night."""

import datetime as dt
import socket

import pytest

from appliance import clock
from appliance.signing import SigningKey
from appliance.syslog import Syslog
from controller.records.exchange import JournalIndex, Transfer
from controller.records.session import reading, transaction
from controller.workers import journal_heads
from controller.workers.index import Index
from controller.workers.journal_heads import Sealer, last_sealed
from network.gateway import heads, policy
from network.gateway.records import Facts, JournalBroken
from tests.unit.controller.workers.exchange import journal, keep, place, transfer


@pytest.fixture
def site(tmp_path):
    return place(tmp_path)


@pytest.fixture
def book(site):
    return journal(site)


def write(book, number=1):
    for n in range(number):
        book.append(Facts("refused", side="extranet", rule="gateway.no_channel", note=str(n)))
    book.commit()


def sealer(site, log=""):
    index = Index(site)
    return Sealer(site, index, Syslog(local=site.settings.state / (log or "none")))


def later(monkeypatch, **parts):
    now = clock.now() + dt.timedelta(**parts)
    monkeypatch.setattr(clock, "now", lambda: now)


def test_a_head_is_signed_by_both_keys_and_sent_to_syslog(site, book):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(site.settings.state / "log"))
        ear.settimeout(3)
        made = sealer(site, "log")
        assert not made.seal(), "there was nothing to sign yet"
        write(book, 3)
        made.index.catch_up()
        assert made.seal()
        told = ear.recv(9999).decode()
    [line] = heads.in_syslog([told])
    keys = heads.Verifiers.load(site.settings.keys)
    assert heads.verify(line, keys).number == 3
    assert last_sealed(site.settings.state)[0] == 3


def test_it_is_signed_each_minute_or_after_a_thousand_records(site, book, monkeypatch):
    made = sealer(site)
    write(book)
    made.index.catch_up()
    assert made.seal()
    write(book, 5)
    made.index.catch_up()
    assert not made.seal(), "sooner than a minute"
    write(book, 1000)
    made.index.catch_up()
    assert made.seal(), "a thousand records wait"
    write(book)
    made.index.catch_up()
    later(monkeypatch, seconds=61)
    assert made.seal()
    later(monkeypatch, seconds=61)
    assert not made.seal(), "nothing was appended"


def test_what_a_row_says_is_never_signed(site, book):
    write(book, 2)
    first = sealer(site)
    first.index.catch_up()
    with transaction(site.engine) as session:
        row = session.get(JournalIndex, 1)
        row.number, row.chain = 2, "f" * 64
    second = sealer(site)
    assert not second.seal(), "nothing was read yet"
    second.index.catch_up()
    second.seal()
    line = heads.last_line(site.settings.state / heads.FILE)
    assert line.head.chain != "f" * 64


def test_a_journal_that_was_replaced_or_cut_is_not_signed_over(site, book, monkeypatch):
    write(book, 4)
    made = sealer(site)
    made.index.catch_up()
    made.seal()
    folder = site.settings.state / "gateway" / "journal"
    for path in folder.iterdir():
        path.unlink()
    write(journal(site), 9)
    later(monkeypatch, seconds=120)
    again = sealer(site)
    again.index.catch_up()
    with pytest.raises(JournalBroken):
        again.seal()
    assert last_sealed(site.settings.state)[0] == 4


def test_retention_runs_once_a_night_with_the_signed_policy(site, book, monkeypatch):
    key = SigningKey.new()
    key.save(site.settings.keys / "policy.key")
    folder = site.settings.state / "gateway"
    (folder / "policy.signed").unlink()
    policy.write(folder, policy.Policy(1, clock.iso()), key)
    write(book)
    made = sealer(site)
    made.index.catch_up()
    made.seal()
    asked = []
    pruned = journal_heads.retention.Pruned(7, 2, 99)
    keep(site, transfer(7), transfer(8))
    monkeypatch.setattr(
        journal_heads.retention, "prune", lambda *given: asked.append(given) or pruned
    )
    monkeypatch.setattr(journal_heads.retention, "shorten", lambda *given: asked.append(given))
    for hour, count in ((12, 0), (3, 2), (3, 0)):
        now = dt.datetime(2026, 11, 22, hour, tzinfo=dt.timezone(dt.timedelta(hours=8)))
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        assert made.prune() == count
    assert len(asked) == 2, "pruned and shortened, once"
    with reading(site.engine) as session:
        numbers = [row.number for row in session.query(Transfer)]
    assert 7 not in numbers, "the index must not hold what the journal no longer does"
    assert 8 in numbers
