"""The journal: recovery of a torn end; flips, swaps and cuts are seen."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.gateway import transfers
from network.gateway.backlog import Backlog
from network.gateway.journal import Journal, segments
from network.gateway.records import SEGMENT_HEAD, Facts, JournalBroken

COUNT = 6


def filled(folder, count=COUNT, **given):
    folder.mkdir(exist_ok=True)
    journal = Journal(folder, **given)
    assert list(journal.recover()) == []
    for number in range(count):
        facts = Facts(event="accepted", channel="c", delivery=f"d{number}", key=f"k{number}")
        journal.append(facts, f"body {number}".encode() * 3)
    journal.close()
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("journal"))


def copy(original, tmp_path_factory):
    target = tmp_path_factory.mktemp("copy") / "j"
    shutil.copytree(original, target)
    return target


def test_what_was_written_is_read(original):
    read = list(transfers.read(original))
    assert [(t.number, t.delivery, t.size) for t in read] == [
        (n + 1, f"d{n}", 18) for n in range(COUNT)
    ]
    assert [t.number for t in transfers.read(original, after=4)] == [5, 6]
    assert transfers.body(original, 2) == b"body 1" * 3
    assert transfers.verify(original).number == COUNT


def test_what_was_read_back_is_on_the_disk_before_anything_is_built_on_it(tmp_path, monkeypatch):
    """A guard that was killed between write and fdatasync: its last records are only in memory."""
    folder = filled(tmp_path / "j", 3)
    synced = []
    real = os.fdatasync

    def noted(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", noted)
    # Over its limit: the next record goes to another file, whose fdatasync does not reach this one.
    again = Journal(folder, segment_limit=10)
    list(again.recover())
    assert synced == [segments(folder)[-1]]


def test_it_goes_on_over_segments(tmp_path):
    folder = filled(tmp_path / "j", 20, segment_limit=500)
    assert len(segments(folder)) > 3
    again = Journal(folder, segment_limit=500)
    assert [w.record.number for w in again.recover()] == list(range(1, 21))
    again.append(Facts(event="started"))
    again.close()
    assert transfers.verify(folder).number == 21
    assert [t.number for t in transfers.read(folder, after=17)] == [18, 19, 20, 21]
    segments(folder)[1].unlink()
    with pytest.raises(JournalBroken):
        transfers.verify(folder)


MANY = settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@MANY
@given(data=st.data())
def test_a_torn_end_is_cut_and_said(original, tmp_path_factory, data):
    folder = copy(original, tmp_path_factory)
    path = segments(folder)[0]
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:at])
    seen = transfers.verify(original)
    if at < len(whole):
        with pytest.raises(JournalBroken):
            transfers.verify(folder, seen)
    journal = Journal(folder)
    kept = [w.record.number for w in journal.recover()]
    assert kept == list(range(1, len(kept) + 1))
    journal.append(Facts(event="started"))
    journal.close()
    told = [t.event for t in transfers.read(folder)]
    ends = {t.end for t in _records(original)} | {SEGMENT_HEAD.size}
    assert ("recovered" in told) is (at not in ends)
    assert transfers.verify(folder).number == len(told)


@MANY
@given(data=st.data())
def test_a_flipped_bit_is_seen(original, tmp_path_factory, data):
    folder = copy(original, tmp_path_factory)
    path = segments(folder)[0]
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    with pytest.raises(JournalBroken):
        transfers.verify(folder, transfers.verify(original))
    with pytest.raises(JournalBroken):
        list(Journal(folder).recover())  # the guard does not start on a damaged journal


@MANY
@given(data=st.data())
def test_swapped_doubled_or_dropped_records_are_seen(original, tmp_path_factory, data):
    folder = copy(original, tmp_path_factory)
    path = segments(folder)[0]
    whole, parts, at = path.read_bytes(), [], SEGMENT_HEAD.size
    for record in _records(original):
        parts.append(whole[at : record.end])
        at = record.end
    order = data.draw(st.lists(st.integers(0, COUNT - 1), max_size=COUNT + 2))
    if order == list(range(COUNT)):
        return
    path.write_bytes(whole[: SEGMENT_HEAD.size] + b"".join(parts[i] for i in order))
    with pytest.raises(JournalBroken):
        transfers.verify(folder, transfers.verify(original))


def _records(folder):
    return [w.record for w in Journal(folder).recover()]


def test_the_backlog_is_what_the_journal_says(tmp_path):
    journal = Journal(tmp_path)
    list(journal.recover())
    for number in range(4):
        journal.append(
            Facts(event="accepted", channel="c", delivery=f"d{number}", key="k", peer="p"), b"x"
        )
    journal.append(Facts(event="delivered", channel="c", delivery="d0"))
    journal.append(Facts(event="attempt", channel="c", delivery="d1", attempts=2))
    journal.append(Facts(event="dead", channel="c", delivery="d2"))
    journal.close()
    backlog = Backlog()
    for written in Journal(tmp_path).recover():
        backlog.replay(written)
    assert [(i.facts.delivery, i.attempts, i.place.read()) for i in backlog.queues["c"]] == [
        ("d1", 2, b"x"), ("d3", 0, b"x"),
    ]  # fmt: skip
    assert backlog.known("c", "p", "k").delivery == "d3"
