"""Delivery: order per channel, only where it was accepted for, nothing stranded, dead letters seen."""

import json
import tracemalloc
from dataclasses import replace

import pytest

from network.gateway import delivery
from network.gateway.backlog import Backlog
from network.gateway.delivery import BACKOFF
from network.gateway.journal import Written
from network.gateway.records import Facts, Record
from network.gateway.segments import Place
from tests.unit.network.guarded import Guard, answers, book, code, deliveries, result
from tests.unit.network.test_policy import STORE

OTHER = replace(STORE, id="notice", path="/fhir/Communication", target="http://10.66.0.11:8080")


def notice(ident):
    return book(ident, target="/fhir/Communication")


def test_one_dead_destination_stops_no_other(tmp_path):
    guard = Guard(tmp_path, STORE, OTHER)
    (dead,) = deliveries(guard.take("extranet", book(1)))
    for number in range(2, 6):
        (live,) = deliveries(guard.take("extranet", notice(number)))
        assert live.peer == "10.66.0.11:8080"
        guard.take("intranet", result(live))
    guard.take("intranet", result(dead, code="late"))
    assert guard.events.count("delivered") == 4


def test_the_message_after_the_last_that_fits_is_refused_and_passes_later(tmp_path):
    limit = 20
    guard = Guard(tmp_path, replace(STORE, queue_limit=limit))
    out = [guard.take("extranet", book(n, status=f"m{n:02d}")) for n in range(limit)]
    assert {answers(o)[0].status for o in out} == {202}
    late = book(limit, status=f"m{limit:02d}")
    (refused,) = answers(guard.take("extranet", late))
    assert (refused.status, code(refused)) == (503, "gateway.queue_full")
    calls = [call for told in out for call in deliveries(told)]
    calls += deliveries(guard.take("intranet", result(calls[0])))
    told = guard.take("extranet", late)
    assert answers(told)[0].status == 202
    calls += deliveries(told)
    for call in calls[1:]:
        calls += deliveries(guard.take("intranet", result(call)))
    assert [call.body for call in calls] == [
        book(n, status=f"m{n:02d}").body.replace(b" ", b"") for n in range(limit + 1)
    ]


def test_to_another_destination_nothing_accepted_goes(tmp_path):
    guard = Guard(tmp_path, STORE)
    guard.take("extranet", book(1, status="a"))
    guard.issue(replace(STORE, target="http://10.66.0.99:8080"))
    assert deliveries(guard.start()) == []
    last = guard.told[-1]
    assert (last.event, last.rule) == ("dead", "gateway.destination_changed")
    assert last.address == "10.66.0.10:8080"
    (call,) = deliveries(guard.take("extranet", book(2, status="b")))
    assert (call.peer, b'"b"' in call.body) == ("10.66.0.99:8080", True)


def test_another_path_is_another_destination(tmp_path):
    guard = Guard(tmp_path, STORE)
    guard.take("extranet", book())
    guard.issue(replace(STORE, path="/fhir/Other"))
    assert deliveries(guard.start()) == []
    assert guard.told[-1].rule == "gateway.destination_changed"


def test_a_call_says_how_the_receiver_is_to_be_reached(tmp_path):
    (call,) = deliveries(Guard(tmp_path, STORE).take("extranet", book()))
    assert (call.secure, call.method, call.target) == ("none", "POST", "/fhir/Appointment")
    pinned = replace(STORE, target_tls="sm", target_cert="ab" * 32)
    folder = tmp_path / "sm"
    folder.mkdir()
    (call,) = deliveries(Guard(folder, pinned).take("extranet", book()))
    assert call.secure == "sm:" + "ab" * 32


def test_latency_counts_from_acceptance_also_over_a_restart(tmp_path):
    guard = Guard(tmp_path, STORE)
    guard.take("extranet", book())
    guard.ahead = guard.ahead.__class__(seconds=90)
    (call,) = deliveries(guard.start())
    guard.take("intranet", result(call))
    last = guard.told[-1]
    assert last.event == "delivered"
    assert 90_000 <= last.latency < 95_000
    assert (last.kind, last.data_class) == ("POST /fhir/Appointment", "personal")


def test_dead_letters_are_counted_and_at_last_stop_the_channel(tmp_path):
    guard = Guard(tmp_path, replace(STORE, attempts=1, queue_limit=3))
    for number in range(3):
        (call,) = deliveries(guard.take("extranet", book(number)))
        guard.take("intranet", result(call, 500))
    assert guard.exchange._ledger.backlog.dead_of("booking") == 3
    (refused,) = answers(guard.take("extranet", book(9)))
    assert (refused.status, code(refused)) == (503, "gateway.dead_letters_full")
    guard.start()
    assert guard.exchange._ledger.backlog.dead_of("booking") == 3


@pytest.mark.parametrize(
    ("fault", "event", "rule"),
    [("call", "dead", "gateway.guard_fault"), ("again", "dead", "gateway.guard_fault"),
     ("outcome", "attempt", "")],
)  # fmt: skip
def test_a_fault_in_a_protocol_costs_one_message_only(tmp_path, monkeypatch, fault, event, rule):
    guard = Guard(tmp_path, STORE, OTHER)
    guard.take("extranet", book(1))
    guard.issue(STORE, OTHER, version=2)  # so that what was stored is held against it again

    def fails(*_):
        raise KeyError("the name of a patient")

    monkeypatch.setattr(type(guard.exchange._doors.plans["booking"]), fault, fails)
    for call in deliveries(guard.start()):
        guard.take("intranet", result(call))
    last = guard.told[-1]
    assert (last.event, last.rule) == (event, rule)
    assert "KeyError" in last.note
    assert "patient" not in str(guard.told)
    assert answers(guard.take("extranet", notice(2)))[0].status == 202


def test_a_fault_while_reading_refuses_the_message(tmp_path, monkeypatch):
    guard = Guard(tmp_path, STORE)
    plan = guard.exchange._doors.plans["booking"]
    monkeypatch.setattr(type(plan), "ask", lambda *_: {}["x"])
    (said,) = answers(guard.take("extranet", book()))
    assert (said.status, code(said)) == (500, "gateway.guard_fault")
    assert "KeyError" in guard.told[-1].note


def test_a_hundred_thousand_waiting_messages_fit_into_80_mib():
    count = 10_000  # each takes the same
    facts = Facts(event="accepted", at="2026-11-22T00:00:00.000000+00:00", channel="c", key="",
                  policy="p" * 64, kind="POST Appointment", address="10.66.0.10:8080", target="/fhir")  # fmt: skip
    backlog = Backlog()
    tracemalloc.start()
    try:
        for number in range(count):
            told = replace(
                facts, delivery=f"{number:036d}", at=f"{facts.at[:-12]}{number:06d}+00:00"
            )
            place = Place("file", number * 3000, 2500, number, b"key", None)
            record = Record(number, told, b"", b"", b"", 0, 0, b"")
            backlog.replay(Written(record, place))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert backlog.size("c") == count
    assert 10 * taken < 80 << 20, f"{10 * taken >> 20} MiB"


def test_back_off_grows_and_is_bounded(tmp_path):
    guard = Guard(tmp_path, replace(STORE, attempts=len(BACKOFF) + 2))
    (call,) = deliveries(guard.take("extranet", book()))
    waits = []
    for _ in range(len(BACKOFF) + 1):
        guard.take("intranet", result(call, code="refused"))
        waits.append(guard.exchange.wait())
        (call,) = deliveries(guard.pass_time(waits[-1]))
    assert waits == pytest.approx([*BACKOFF, BACKOFF[-1]])
    guard.take("intranet", result(call, code="refused"))
    assert guard.events[-1] == "dead"


def test_large_messages_do_not_pile_up_on_their_way(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery, "FLYING", 3000)
    guard = Guard(
        tmp_path, replace(STORE, request=(replace(STORE.request[0], longest=2000),)), OTHER
    )
    calls = deliveries(guard.take("extranet", book(0, status="m0" + "x" * 1000)))
    for number in range(1, 6):
        calls += deliveries(guard.take("extranet", book(number, status=f"m{number}" + "x" * 1000)))
    assert len(calls) == 2
    assert guard.exchange.wait() > 1  # what has no room is not waited for in a circle
    assert deliveries(
        guard.take("extranet", notice(9))
    )  # another channel has its first all the same
    for number in range(6):
        calls += deliveries(guard.take("intranet", result(calls[number])))
    told = [json.loads(call.body)["resourceType"][:2] for call in calls]
    assert told == [f"m{number}" for number in range(6)]
