"""The journal: recovery of a torn end; flips, swaps and cuts are seen."""

import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.gateway import transfers
from network.gateway.journal import Journal
from network.gateway.records import SEGMENT_HEAD, Facts, JournalBroken
from network.gateway.segments import segments
from network.gateway.vault import Vault

COUNT = 6
VAULT = Vault.fresh()


def filled(folder, count=COUNT, **given):
    folder.mkdir(exist_ok=True)
    journal = Journal(folder, VAULT, **given)
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
    assert transfers.body(original, 2, VAULT) == b"body 1" * 3
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
    again = Journal(folder, VAULT, segment_limit=10)
    list(again.recover())
    assert synced == [segments(folder)[-1]]


def test_it_goes_on_over_segments(tmp_path):
    folder = filled(tmp_path / "j", 20, segment_limit=500)
    assert len(segments(folder)) > 3
    again = Journal(folder, VAULT, segment_limit=500)
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
    journal = Journal(folder, VAULT)
    kept = [w.record.number for w in journal.recover()]
    assert kept == list(range(1, len(kept) + 1))
    journal.append(Facts(event="started"))
    journal.close()
    told = [t.event for t in transfers.read(folder)]
    ends = {t.end for t in _records(original)}
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
        list(Journal(folder, VAULT).recover())  # the guard does not start on a damaged journal


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
    return [w.record for w in Journal(folder, VAULT).recover()]


def grouped(folder):
    """Four groups of five records; return the file and where each group begins."""
    folder.mkdir()
    journal, starts = Journal(folder, VAULT), []
    list(journal.recover())
    for number in range(20):
        if number % 5 == 0:
            journal.commit()
            starts.append(max(journal._size, SEGMENT_HEAD.size))
        journal.append(Facts(event="accepted", delivery=f"d{number}"), bytes(range(256)) * 10)
    journal.close()
    return segments(folder)[0], starts


@pytest.mark.parametrize("seed", range(12))
def test_blocks_that_a_power_failure_left_out_of_the_last_group_are_an_unfinished_write(
    tmp_path, seed
):
    """Only the last group was never acknowledged; its blocks may reach the disk in any order."""
    path, starts = grouped(tmp_path / "j")
    data, dice = bytearray(path.read_bytes()), random.Random(seed)  # noqa: S311 - places
    blocks = range(starts[3] // 1024 * 1024, len(data), 1024)
    for block in dice.sample(blocks, dice.randrange(1, len(blocks))):
        for at in range(max(block, starts[3]), min(block + 1024, len(data))):
            data[at] = 0
    path.write_bytes(data)
    journal = Journal(tmp_path / "j", VAULT)
    kept = [w.record.facts.delivery for w in journal.recover()]
    journal.close()
    assert kept[:15] == [f"d{n}" for n in range(15)]
    assert len(kept) < 20
    assert [t.event for t in transfers.read(tmp_path / "j")][-1] == "recovered"


@pytest.mark.parametrize("group", range(3))
def test_the_same_in_a_group_that_was_acknowledged_is_damage(tmp_path, group):
    path, starts = grouped(tmp_path / "j")
    data = bytearray(path.read_bytes())
    at = (starts[group] // 1024 + 2) * 1024
    data[at : at + 1024] = bytes(1024)
    path.write_bytes(data)
    with pytest.raises(JournalBroken):
        list(Journal(tmp_path / "j", VAULT).recover())
    with pytest.raises(JournalBroken):
        transfers.verify(tmp_path / "j")


def test_bodies_are_read_back_from_their_places(tmp_path):
    journal = Journal(tmp_path, VAULT, segment_limit=300)
    places = [journal.append(Facts(event="accepted"), b"%d" % n).place for n in range(9)]
    journal.append(Facts(event="delivered"))
    journal.close()
    again = [w.place for w in Journal(tmp_path, VAULT).recover()]
    assert again[:9] == places
    assert [p.read() for p in again] == [*(b"%d" % n for n in range(9)), b""]
    again[4].segment.write_bytes(b"")
    with pytest.raises(JournalBroken):
        again[4].read()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_a_segment_that_is_no_plain_file_hangs_nobody(original, tmp_path_factory, kind):
    folder = copy(original, tmp_path_factory)
    path = segments(folder)[0]
    path.rename(folder / "aside")
    if kind == "link":
        path.symlink_to(folder / "aside")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(JournalBroken):
        transfers.verify(folder)


def test_a_last_file_that_goes_while_it_is_read_was_an_unfinished_write(original, monkeypatch):
    """The guard that starts removes a file without a whole record; a reader may just have seen its name."""
    listed = segments(original)
    gone = original / "0000000000000007.seg"
    monkeypatch.setattr(transfers, "segments", lambda folder: [*listed, gone])
    assert len(list(transfers.read(original))) == COUNT
    monkeypatch.setattr(transfers, "segments", lambda folder: [*listed, gone, gone])
    with pytest.raises(JournalBroken):
        list(transfers.read(original))
