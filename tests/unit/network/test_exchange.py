"""The guard's decisions over a real journal file and a clock of the test's own."""

import os
from dataclasses import replace

import pytest

from network.gateway import transfers
from network.gateway.delivery import BACKOFF
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import Field
from network.gateway.policy import Policy, write
from tests.unit.network.guarded import KEY, Guard, answers, book, code, deliveries, read
from tests.unit.network.test_policy import GOOD, STORE

SLOTS = b'{"resourceType":"Bundle","secret":1}'


@pytest.fixture
def guard(tmp_path):
    return Guard(tmp_path)


def test_a_request_goes_over_and_its_answer_comes_back(guard):
    ((side, call),) = guard.take("extranet", read())
    assert (side, call.kind, call.peer, call.target) == (
        "intranet", Kind.CALL, "10.66.0.10:8080", "/fhir/Slot?status=free",
    )  # fmt: skip
    ((side, answer),) = guard.take(
        "intranet", Frame(Kind.RESULT, call.ident, status=200, body=SLOTS)
    )
    assert (side, answer.ident, answer.status, answer.body) == (
        "extranet",
        1,
        200,
        b'{"resourceType":"Bundle"}',
    )


def test_nothing_leaves_before_the_disk_has_it(guard, monkeypatch):
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(
        os, "fdatasync", lambda fd: (synced.append(guard.exchange._ledger._out[:]), real(fd))
    )
    guard.exchange.take("extranet", book())
    assert "accepted" not in guard.events  # not yet on disk, and nothing was handed out
    out = guard.exchange.commit()
    assert len(synced) == 1
    assert [frame.status for side, frame in out if side == "extranet"] == [202]
    assert "accepted" in guard.events


def test_only_the_far_leg_may_bring_the_result(guard):
    ((_, call),) = guard.take("extranet", read())
    result = Frame(Kind.RESULT, call.ident, status=200, body=SLOTS)
    assert guard.take("extranet", result) == []
    assert len(guard.take("intranet", result)) == 1
    assert guard.take("intranet", result) == []  # a second time is too late


def test_a_leg_cannot_play_the_guard(guard):
    for kind in (Kind.ANSWER, Kind.CALL):
        assert guard.take("intranet", read(kind=kind)) == []


def test_a_silent_leg_is_late(guard):
    guard.take("extranet", read())
    assert guard.exchange.wait() == pytest.approx(11.0)
    ((_, answer),) = guard.pass_time(11.1)
    assert (answer.status, code(answer)) == (504, "gateway.far_side_late")


def test_the_rate_is_kept_and_recovers(tmp_path):
    guard = Guard(tmp_path, replace(GOOD, rate=60), STORE)
    told = [guard.take("extranet", read(n))[0][1] for n in range(12)]
    assert [frame.kind for frame in told] == [Kind.CALL] * 10 + [Kind.ANSWER] * 2
    assert told[-1].status == 429
    guard.now += 1.1
    assert guard.take("extranet", read(99))[0][1].kind is Kind.CALL


def test_deliveries_keep_their_order(guard):
    (first,) = deliveries(guard.take("extranet", book(1, status="a")))
    (second,) = deliveries(guard.take("extranet", book(2, status="b")))
    assert (b'"a"' in first.body, b'"b"' in second.body) == (True, True)
    # The leg makes them one after another: they are of one line and one train.
    assert (first.key, first.code) == (second.key, second.code) == ("booking", "1")


def test_a_failed_delivery_waits_then_comes_again_under_its_id(guard):
    (first,) = deliveries(guard.take("extranet", book()))
    assert guard.take("intranet", Frame(Kind.RESULT, first.ident, code="refused")) == []
    assert guard.exchange.wait() == pytest.approx(BACKOFF[0])
    (again,) = deliveries(guard.pass_time(BACKOFF[0]))
    assert (again.delivery, again.ident != first.ident) == (first.delivery, True)


def test_a_restart_delivers_what_was_accepted_and_keeps_the_count(tmp_path):
    guard = Guard(tmp_path, replace(STORE, attempts=2))
    (first,) = deliveries(guard.take("extranet", book()))
    guard.take("intranet", Frame(Kind.RESULT, first.ident, status=500))
    (again,) = deliveries(guard.start())
    assert again.delivery == first.delivery
    guard.take("intranet", Frame(Kind.RESULT, again.ident, status=500))
    assert guard.events[-1] == "dead"
    assert deliveries(guard.start()) == []


def test_what_an_older_policy_let_in_crosses_only_as_the_one_in_force_allows(tmp_path):
    wide = replace(STORE, request=(*STORE.request, Field("comment", "string")))
    guard = Guard(tmp_path, wide)
    for ident, told in enumerate((b'{"resourceType":"x","comment":"c"}', b'{"resourceType":"y"}')):
        guard.take("extranet", replace(book(ident), body=told))
    write(tmp_path, Policy(2, "", (STORE,)), KEY)
    assert deliveries(guard.start())[0].body == b'{"resourceType":"x"}'
    narrow = replace(STORE, request=(Field("resourceType", "code", values=("y",)),))
    write(tmp_path, Policy(3, "", (narrow,)), KEY)
    (call,) = deliveries(guard.start())
    guard.pass_time(0)
    assert guard.events[-1] == "dead"
    assert call.body == b'{"resourceType":"y"}'


def test_a_full_queue_says_so(tmp_path):
    guard = Guard(tmp_path, replace(STORE, queue_limit=2))
    out = [guard.take("extranet", book(n))[0][1] for n in range(3)]
    assert [frame.status for frame in out] == [202, 202, 503]


def test_a_note_of_a_leg_is_journaled(guard):
    guard.take(
        "extranet", Frame(Kind.NOTE, 0, peer="10.88.0.66", code="gateway.bad_http", status=400)
    )
    last = list(transfers.read(guard.folder / "journal"))[-1]
    assert (last.event, last.rule, last.peer, last.side) == (
        "refused",
        "gateway.bad_http",
        "10.88.0.66",
        "extranet",
    )


def test_a_query_never_stands_in_the_journal(guard):
    guard.take("extranet", read(target="/fhir/Slot?name=zhangsan"))
    assert b"zhangsan" not in b"".join(
        f.read_bytes() for f in (guard.folder / "journal").glob("*.seg")
    )


def test_fields_may_be_required(tmp_path):
    guard = Guard(tmp_path, replace(STORE, request=(Field("id", "id", required=True),)))
    ((_, answer),) = guard.take("extranet", book())
    assert (answer.status, code(answer)) == (422, "gateway.body_refused")


def test_a_policy_that_was_withdrawn_is_not_in_force_again(guard):
    guard.issue(GOOD, version=3)
    guard.start()
    guard.take("extranet", read())
    assert guard.told[-1].channel == "slot-read"
    guard.issue(GOOD, STORE, version=2)  # an older file with its good signature, put back
    guard.start()
    assert "older than 3" in guard.told[-1].note
    (answer,) = answers(guard.take("extranet", read(2)))
    assert (answer.status, guard.told[-1].rule) == (503, "gateway.no_policy")
    guard.start()  # and it stays so
    assert answers(guard.take("extranet", read(3)))[0].status == 503
    guard.issue(GOOD, version=4)
    guard.start()
    guard.take("extranet", read(4))
    assert guard.told[-1].event == "request"
