"""A journal on a real file system that is full: nothing torn, nothing lost, and on it goes with room again."""

import os
from dataclasses import replace

import pytest

from network.gateway import journal as writer
from network.gateway import transfers
from network.gateway.journal import Journal, JournalLost
from network.gateway.records import Facts
from network.gateway.refusals import JournalFull
from network.gateway.segments import segments
from network.gateway.vault import Vault
from tests.netns.world import RUN

pytestmark = pytest.mark.netns
VAULT = Vault.fresh()
GIVEN = {"segment_limit": 256 << 10, "spare": 64 << 10}
OPEN: list[Journal] = []
ACCEPTED = Facts(event="accepted", channel="c", delivery="d")


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request, tmp_path):
    """A file system of 4 MiB: in memory, or ext4 in a file."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "tmpfs":
        RUN(["mount", "-t", "tmpfs", "-o", "size=4m", "hbox-full", str(folder)])
    else:
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(4 << 20)
        RUN(["mkfs.ext4", "-q", "-m", "0", str(image)])
        RUN(["mount", "-o", "loop", str(image), str(folder)])
    yield folder
    while OPEN:
        journal = OPEN.pop()
        if journal._file >= 0:
            os.close(journal._file)
    RUN(["umount", str(folder)])


def begun(folder):
    journal = Journal(folder / "journal", VAULT, **GIVEN)
    OPEN.append(journal)
    list(journal.recover())
    return journal


def appended(journal, facts, body=b""):
    """Append, and say whether there was room."""
    try:
        journal.append(facts, body)
    except JournalFull:
        return False
    return True


def ballast(disk):
    """Take every block that is left."""
    with (disk / "ballast").open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1 << 9):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                os.fsync(file.fileno()) if size > 1 << 9 else None


def fill(journal, disk):
    """Append until it says that it is full; return how many were kept."""
    for count in range(100_000):
        if not appended(journal, replace(ACCEPTED, delivery=f"d{count}"), b"x" * 2000):
            return count
        journal.commit()
        if count == 20:
            ballast(disk)
    raise AssertionError("never full")


def test_it_says_so_before_anything_has_changed_and_recovers_by_itself(disk, monkeypatch):
    (disk / "journal").mkdir()
    now = [1000.0]
    monkeypatch.setattr(writer, "monotonic", lambda: now[0])
    journal = begun(disk)
    kept = fill(journal, disk)
    assert journal.full
    assert not journal.has_room()
    head = journal.head
    with pytest.raises(JournalFull):
        journal.append(ACCEPTED, b"x" * 2000)
    assert journal.head == head
    # Outcomes of what is under way are still recorded, and refusals do not eat their room.
    refused = 0
    while appended(journal, Facts(event="refused", rule="gateway.journal_full")):
        refused += 1
    for number in range(50):
        journal.append(Facts(event="delivered", delivery=f"d{number}"))
    journal.owe(Facts(event="started", note="owed"))
    journal.commit()
    assert transfers.verify(disk / "journal").number == journal.head[0]
    (disk / "ballast").unlink()
    assert not journal.has_room()  # it asks once a second only
    now[0] += 1.1
    assert journal.has_room()
    journal.append(ACCEPTED, b"x" * 2000)
    journal.close()
    told = list(transfers.read(disk / "journal"))
    assert sum(t.event == "accepted" for t in told) == kept + 1
    assert sum(t.event == "delivered" for t in told) == 50
    assert sum(t.event == "refused" for t in told) == refused > 10
    assert [t.note for t in told if t.event == "recovered"] == ["its disk has room again"]
    assert any(t.note == "owed" for t in told)


def test_a_guard_that_starts_while_it_is_full_goes_on_later(disk):
    (disk / "journal").mkdir()
    journal = begun(disk)
    fill(journal, disk)
    journal.commit()
    os.close(OPEN.pop()._file)  # as one that was killed: reserved blocks stay
    path = segments(disk / "journal")[-1]
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 3)  # and cut within its last write, which frees them
    ballast(disk)
    again = begun(disk)
    again.owe(Facts(event="started"))
    again.commit()
    with pytest.raises(JournalFull):
        again.append(ACCEPTED, b"x" * 20_000)
    (disk / "ballast").unlink()
    again._retry = 0.0
    again.append(ACCEPTED, b"x" * 20_000)
    again.close()
    told = [t.event for t in transfers.read(disk / "journal")]
    assert {"recovered", "started"} <= set(told)
    assert told[-1] == "accepted"
    transfers.verify(disk / "journal")


def test_a_disk_that_breaks_its_word_ends_the_guard_without_a_torn_acknowledgement(
    disk, monkeypatch
):
    """Without reserved blocks (a file system that offers none) a write itself can fail."""
    (disk / "journal").mkdir()
    monkeypatch.setattr(writer, "reserve", lambda *_: None)
    journal = begun(disk)
    durable = []

    def write_on():
        for count in range(10_000):
            journal.append(replace(ACCEPTED, delivery=f"d{count}"), b"x" * 2000)
            journal.commit()
            durable.append(count)
            if count == 20:
                ballast(disk)

    with pytest.raises(JournalLost):
        write_on()
    (disk / "ballast").unlink()
    begun(disk).append(Facts(event="started"))
    told = [t.delivery for t in transfers.read(disk / "journal") if t.event == "accepted"]
    assert told[: len(durable)] == [f"d{count}" for count in durable]
    transfers.verify(disk / "journal")
