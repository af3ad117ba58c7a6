"""A full disk: refused in so many words, nothing acknowledged is lost, and it goes on by itself."""

import json

import pytest

from network.gateway import journal
from network.gateway.segments import NoRoom
from tests.unit.network.guarded import Guard, answers, book, code, deliveries, read, result


@pytest.fixture
def disk(monkeypatch):
    """A disk that gives room for new blocks only while `disk["room"]` holds."""
    told = {"room": True}
    real = journal.reserve

    def reserve(descriptor, size):
        if not told["room"]:
            raise NoRoom
        real(descriptor, size)

    monkeypatch.setattr(journal, "reserve", reserve)
    return told


@pytest.fixture
def guard(tmp_path, disk, monkeypatch):
    made = Guard(tmp_path, segment_limit=20000, spare=8192)
    monkeypatch.setattr(journal, "monotonic", lambda: made.now)
    disk["room"] = False
    return made


def fill(guard):
    """Send until it says no; return the statuses of the yes and the calls that were ordered."""
    said, calls = [], []
    while not said or said[-1].status == 202:
        out = guard.take("extranet", book(len(said), status=f"m{len(said):03d}"))
        said += answers(out)
        calls += deliveries(out)
        assert len(said) < 200
    return said, calls


def test_a_full_disk_refuses_and_does_not_break(guard):
    said, _ = fill(guard)
    assert (said[-1].status, code(said[-1])) == (503, "gateway.journal_full")
    (refused,) = answers(guard.take("extranet", read(900)))
    assert (refused.status, code(refused)) == (503, "gateway.journal_full")
    for number in range(500):  # far beyond what fits: each gets its answer
        assert answers(guard.take("extranet", book(number, target="/nowhere", peer=f"p{number}")))


def test_what_is_on_its_way_is_settled_and_nothing_new_starts(guard):
    said, calls = fill(guard)
    for call in calls:
        assert deliveries(guard.take("intranet", result(call))) == []
    assert guard.events.count("delivered") == len(calls)
    assert 0 < guard.exchange.wait() <= 1.0
    assert guard.exchange._ledger.backlog.size("booking") == len(said) - 1 - len(calls)


def test_it_goes_on_by_itself_when_there_is_room_and_nothing_was_lost(guard, disk):
    said, calls = fill(guard)
    accepted = len(said) - 1
    waiting = list(calls)
    while waiting:
        waiting += deliveries(guard.take("intranet", result(waiting.pop(0))))
    assert len(calls) < accepted
    disk["room"] = True
    waiting = deliveries(guard.pass_time(1.1))
    while waiting:
        calls.append(waiting[0])
        waiting += deliveries(guard.take("intranet", result(waiting.pop(0))))
    bodies = [json.loads(call.body)["resourceType"] for call in calls]
    assert bodies == [f"m{n:03d}" for n in range(accepted)]
    assert answers(guard.take("extranet", book(999)))[0].status == 202
    assert "gateway.journal_full" in [t.rule for t in guard.told]
