"""A flood of refusals fills neither the journal nor the memory."""

from dataclasses import replace

from network.gateway.frames import Frame, Kind
from network.gateway.tallies import FIRST, SENDERS, SPAN, Tallies
from tests.unit.network.guarded import Guard, read


def stray(ident, peer="10.88.0.66"):
    return read(ident, target="/nowhere", peer=peer)


def test_the_first_are_told_one_by_one_the_rest_as_a_count(tmp_path):
    guard = Guard(tmp_path)
    said = [guard.take("extranet", stray(n))[0][1].status for n in range(100)]
    assert set(said) == {403}  # each sender is answered
    guard.take("extranet", stray(101, peer="10.88.0.67"))
    refused = [t for t in guard.told if t.event == "refused"]
    assert [t.peer for t in refused] == ["10.88.0.66"] * FIRST + ["10.88.0.67"]
    assert 0 < guard.exchange.wait() <= SPAN
    guard.pass_time(SPAN)
    last = guard.told[-1]
    assert (last.event, last.rule, last.peer, last.count) == (
        "refused", "gateway.no_channel", "10.88.0.66", 100 - FIRST,
    )  # fmt: skip
    guard.take("extranet", stray(102))
    assert guard.told[-1].count == 0  # a new minute begins with single records


def test_notes_of_a_leg_are_counted_alike(tmp_path):
    guard = Guard(tmp_path)
    note = Frame(Kind.NOTE, 0, peer="10.88.0.66", code="gateway.bad_http", status=400)
    for _ in range(50):
        guard.take("extranet", note)
    guard.pass_time(SPAN)
    assert sum(t.count or 1 for t in guard.told if t.rule == "gateway.bad_http") == 50
    assert len([t for t in guard.told if t.rule == "gateway.bad_http"]) == FIRST + 1


def test_a_request_that_was_journaled_gets_its_end_journaled(tmp_path):
    guard = Guard(tmp_path)
    for ident in range(FIRST + 3):
        ((_, call),) = guard.take("extranet", read(ident))
        guard.take("intranet", Frame(Kind.RESULT, call.ident, code="closed"))
    ends = [t for t in guard.told if t.rule == "gateway.far_side_failed"]
    assert len({t.delivery for t in ends}) == FIRST + 3


def test_ever_new_senders_take_no_more_memory():
    tallies = Tallies(lambda: 0.0)
    for number in range(3 * SENDERS):
        tallies.heard("extranet", f"peer {number}", "gateway.no_channel")
    assert len(tallies._seen) == SENDERS + 1
    assert not tallies.due()


def test_no_flood_no_record(tmp_path):
    guard = Guard(tmp_path)
    guard.take("extranet", stray(1))
    before = len(guard.told)
    guard.pass_time(2 * SPAN)
    assert len(guard.told) == before
    assert replace(guard.told[-1]).count == 0
