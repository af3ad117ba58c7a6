"""Retention: only what is final, old enough and sealed goes; what is left still proves itself."""

import datetime as dt

import pytest

from appliance.clock import now
from network.gateway import heads, retention, transfers
from network.gateway.channel import Channel
from network.gateway.examine import Evidence, examine
from network.gateway.heads import Head, HeadsBroken, Signers
from network.gateway.journal import Journal
from network.gateway.records import Facts, JournalBroken
from network.gateway.retention import kept_for, prune, shorten
from network.gateway.segments import anchor_file, segments, stored_segments
from network.gateway.vault import Vault

VAULT = Vault.fresh()
DAY = dt.timedelta(days=1)
LATER = now() + 1000 * DAY
KEEP = {"c": 30 * DAY, "long": 2000 * DAY}


class Box:
    """A journal of small files; `write` seals after every write."""

    def __init__(self, folder):
        self.folder, self.file = folder / "journal", folder / "heads.jsonl"
        self.folder.mkdir()
        self.signers = Signers.ensure(folder / "keys")
        self.journal = Journal(self.folder, VAULT, segment_limit=600, spare=0)

    def write(self, *events, seal=True):
        for event, delivery, *more in events:
            facts = Facts(event=event, channel=more[0] if more else "c", delivery=delivery)
            if event == "ordered":
                facts = Facts(event=event, method=more[1], channel=more[0], delivery=delivery)
            self.journal.append(facts, b"body" if event in ("accepted", "request") else b"")
        self.journal.commit()
        if seal:
            self.seal()

    def seal(self):
        head = transfers.verify(self.folder)
        heads.seal(self.file, Head(head.number, head.chain), self.signers)

    def fill(self, count, **given):
        for number in range(count):
            self.write(("accepted", f"f{number}"), ("delivered", f"f{number}"), **given)

    def prune(self, at=LATER, keep=KEEP):
        return prune(self.folder, self.file, self.signers, keep, at)

    def examine(self):
        return examine(
            self.folder, Evidence(self.file.read_bytes(), self.signers.public, vault=VAULT)
        )

    @property
    def left(self):
        return [t.delivery for t in transfers.read(self.folder) if t.event == "accepted"]


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path)


def test_old_final_sealed_files_go_and_the_rest_still_proves_itself(box):
    box.fill(20)
    whole = transfers.verify(box.folder)
    gone = box.prune()
    assert gone.segments > 8
    assert gone.bytes > 4000
    assert int(stored_segments(box.folder)[0].stem) == gone.number + 1
    assert transfers.verify(box.folder) == whole
    found = box.examine()
    assert (found.first, found.last) == (gone.number + 1, whole.number)
    assert next(iter(transfers.read(box.folder))).number == found.first
    assert box.prune() == retention.Pruned(0, 0, 0)


def test_the_guard_goes_on_from_a_journal_without_its_beginning(box):
    box.fill(20)
    gone = box.prune()
    again = Journal(box.folder, VAULT)
    found = list(again.recover())
    assert found[0].record.number == gone.number + 1
    again.append(Facts(event="started"))
    again.close()
    assert box.examine().last == 41
    anchor_file(box.folder).unlink()
    with pytest.raises(JournalBroken):
        list(Journal(box.folder, VAULT).recover())


@pytest.mark.parametrize(
    "unfinished",
    [
        [("accepted", "q")],
        [("accepted", "q"), ("attempt", "q")],
        [("accepted", "q"), ("dead", "q")],
        [("accepted", "q"), ("dead", "q"), ("ordered", "q", "c", "rerun")],
        [("ordered", "", "c", "pause")],
    ],
    ids=["queued", "tried", "dead letter", "run again", "paused"],
)
def test_nothing_unfinished_is_pruned(box, unfinished):
    box.fill(3)
    box.write(*unfinished)
    first = transfers.verify(box.folder).number - len(unfinished) + 1
    box.fill(12)
    box.prune()
    assert segments(box.folder)[0].stem <= f"{first:016d}"
    settled = [("ordered", "", "c", "resume")] if unfinished[0][0] == "ordered" else [
        ("delivered", "q")]  # fmt: skip
    box.write(*settled)
    box.fill(12)
    box.prune()
    assert segments(box.folder)[0].stem > f"{first:016d}"


def test_an_order_that_could_not_be_obeyed_settles_nothing(box):
    box.write(("accepted", "q"))
    box.journal.append(
        Facts(event="ordered", method="drop", delivery="q", rule="gateway.order_void")
    )
    box.fill(12)
    box.prune()
    assert "q" in box.left


def test_the_guard_skips_what_is_settled_and_the_proof_does_not(box):
    box.fill(10)
    box.write(("accepted", "q"))
    first = transfers.verify(box.folder).number
    box.fill(10)
    stated = {"data_class": "3", "purpose": "p", "approver": "a", "replay_hours": 24}
    channel = Channel(
        "c", "extranet->intranet", "store", "10.88.0.10", "http://10.66.0.10:80", **stated
    )
    assert shorten(box.folder, [channel], now()) == 0
    last = shorten(box.folder, [channel], now() + 3 * DAY)
    assert 15 < last < first
    again = Journal(box.folder, VAULT)
    assert next(iter(again.recover())).record.number == last + 1
    assert box.examine().first == 1
    assert next(iter(transfers.read(box.folder))).number == 1
    assert box.prune().number >= last  # the anchor goes beyond it
    found = [w.record.number for w in Journal(box.folder, VAULT).recover()]
    assert found[0] == int(segments(box.folder)[0].stem)
    assert found[-1] == 41


def test_a_dropped_dead_letter_is_settled(box):
    box.write(("accepted", "q"), ("dead", "q"), ("ordered", "q", "c", "drop"))
    box.fill(12)
    box.prune()
    assert "q" not in box.left


def test_what_is_not_sealed_stays(box):
    box.fill(4)
    box.fill(12, seal=False)
    box.prune()
    assert box.examine().sealed == 8
    assert "f3" not in box.left or box.left[0] <= "f3"
    assert int(segments(box.folder)[0].stem) <= 9


def test_the_longest_time_of_a_file_counts(box):
    box.fill(4)
    box.write(("accepted", "x", "long"), ("delivered", "x", "long"))
    box.fill(12)
    box.prune()
    assert "x" in box.left
    assert int(segments(box.folder)[0].stem) > 4


def test_what_is_young_stays(box):
    box.fill(20)
    assert box.prune(at=now() + 29 * DAY).segments == 0
    assert box.prune(at=now() + 31 * DAY).segments > 0


def test_a_record_of_no_known_channel_is_kept_six_months(box):
    for number in range(20):
        box.write(("refused", "", ""), ("accepted", f"n{number}"), ("delivered", f"n{number}"))
    keep = {"c": 2 * DAY}
    assert box.prune(at=now() + 179 * DAY, keep=keep).segments == 0
    assert box.prune(at=now() + 181 * DAY, keep=keep).segments > 0


def test_a_channel_is_kept_at_least_for_its_replay_window():
    stated = {"data_class": "3", "purpose": "p", "approver": "a"}
    channel = Channel("c", "extranet->intranet", "store", "10.88.0.10", "http://10.66.0.10:80", **stated,
                      retention_days=1, replay_hours=240)  # fmt: skip
    short = Channel("s", "extranet->intranet", "store", "10.88.0.10", "http://10.66.0.10:80", **stated,
                    retention_days=0, replay_hours=1)  # fmt: skip
    assert kept_for([channel, short]) == {"c": 10 * DAY, "s": 2 * DAY}


@pytest.mark.parametrize("step", ["write_atomically", "_remove", "sync_folder", "put_away"])
def test_a_crash_while_pruning_leaves_a_journal_that_holds(box, monkeypatch, step):
    box.fill(20)

    class Killed(Exception):
        pass

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(heads if step == "put_away" else retention, step, killed)
        with pytest.raises(Killed):
            box.prune()
    assert box.examine().last == 40
    assert list(Journal(box.folder, VAULT).recover())[-1].record.number == 40
    box.fill(3)
    box.prune()
    assert int(stored_segments(box.folder)[0].stem) > 30
    assert box.examine().last >= 46


def test_a_broken_journal_is_not_pruned(box):
    box.fill(20)
    path = segments(box.folder)[3]
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    before = stored_segments(box.folder)
    with pytest.raises(JournalBroken):
        box.prune()
    assert stored_segments(box.folder) == before


def test_an_older_anchor_of_the_box_is_no_anchor_any_more(box):
    box.fill(20)
    box.prune()
    old = anchor_file(box.folder).read_bytes()
    box.fill(20)
    box.prune()
    anchor_file(box.folder).write_bytes(old)
    with pytest.raises((JournalBroken, HeadsBroken)):
        box.examine()
