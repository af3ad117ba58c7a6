"""An operator's orders: signed, obeyed once, also over a restart."""

import datetime as dt

import pytest

from appliance.clock import iso, now
from appliance.errors import BadInput
from appliance.signing import SigningKey
from network.gateway.delivery import WINDOW
from network.gateway.orders import EVERY, FILE, FRESH, Order, OrdersInvalid, load, write
from network.gateway.policy import FILE as POLICY
from tests.unit.network.guarded import KEY, Guard, answers, book, code, deliveries, read, result
from tests.unit.network.test_policy import GOOD, STORE, replace

ONCE = replace(STORE, attempts=1)


@pytest.fixture
def guard(tmp_path):
    return Guard(tmp_path, GOOD, ONCE, orders=True)


def order(n, op, **about):
    return Order(n, op, **{"by": "ops", "at": iso(), **about})


def give(guard, *orders):
    write(guard.folder, orders, KEY)
    return guard.pass_time(EVERY)


def backlog(guard):
    return guard.exchange._ledger.backlog


def dead_letter(guard, ident=1, status="x"):
    (call,) = deliveries(guard.take("extranet", book(ident, status=status)))
    guard.take("intranet", result(call, 500))
    assert guard.events[-1] == "dead"
    return call.delivery


def test_a_dead_letter_is_run_again_once(guard):
    delivery = dead_letter(guard)
    rerun = order(1, "rerun", delivery=delivery)
    (call,) = deliveries(give(guard, rerun))
    assert call.delivery == delivery
    ordered = next(t for t in guard.told if t.event == "ordered")
    assert (ordered.order, ordered.delivery, ordered.method) == (1, delivery, "rerun")
    assert ordered.note == "rerun by ops"
    guard.take("intranet", result(call))
    write(guard.folder, [rerun], KEY)  # the same file again, and a restart: obeyed already
    assert deliveries(guard.pass_time(EVERY)) == []
    guard.start()
    assert deliveries(guard.pass_time(EVERY)) == []
    assert guard.events.count("ordered") == 1
    assert guard.events.count("delivered") == 1


def test_an_order_too_old_to_be_remembered_is_not_obeyed(guard):
    old = iso(now() - FRESH - dt.timedelta(minutes=1))
    young = iso(now() - FRESH + dt.timedelta(minutes=1))
    give(guard, order(1, "pause", channel="booking", at=old))
    assert "ordered" not in guard.events
    give(guard, order(1, "pause", channel="booking", at=old),
         order(2, "pause", channel="slot-read", at=young))  # fmt: skip
    assert backlog(guard).paused == {"slot-read"}


def test_an_order_given_while_the_guard_was_down_is_obeyed_at_its_start(guard):
    delivery = dead_letter(guard)
    write(guard.folder, [order(1, "rerun", delivery=delivery)], KEY)
    guard.start()
    assert [c.delivery for c in deliveries(guard.pass_time(0))] == [delivery]


def test_a_rerun_that_was_journaled_is_delivered_after_a_crash(guard):
    delivery = dead_letter(guard)
    give(guard, order(1, "rerun", delivery=delivery))
    assert [c.delivery for c in deliveries(guard.start())] == [delivery]


def test_what_is_run_again_has_all_its_attempts(tmp_path):
    guard = Guard(tmp_path, replace(STORE, attempts=2), orders=True)
    (call,) = deliveries(guard.take("extranet", book()))
    guard.take("intranet", result(call, 500))
    (call,) = deliveries(guard.pass_time(60))
    guard.take("intranet", result(call, 500))
    assert (guard.events[-1], backlog(guard).dead_of("booking")) == ("dead", 1)
    (call,) = deliveries(give(guard, order(1, "rerun", delivery=call.delivery)))
    assert backlog(guard).dead_of("booking") == 0
    guard.take("intranet", result(call, 500))
    assert guard.events[-1] == "attempt"


def test_a_dropped_letter_stays_dropped(guard):
    delivery = dead_letter(guard)
    give(guard, order(1, "drop", delivery=delivery), order(2, "rerun", delivery=delivery))
    guard.start()
    assert (backlog(guard).dead, backlog(guard).dead_of("booking")) == ({}, 0)
    last = guard.told[-2]
    assert (last.event, last.order, last.rule) == ("ordered", 2, "gateway.order_void")


def test_a_waiting_message_can_be_dropped_but_not_one_on_its_way(guard):
    (first,) = deliveries(guard.take("extranet", book(1, status="a")))
    for n in range(WINDOW):
        guard.take("extranet", book(2 + n, status="b"))
    waiting = backlog(guard).queues["booking"][-1].delivery
    give(guard, order(1, "drop", delivery=first.delivery), order(2, "drop", delivery=waiting))
    assert [t.rule for t in guard.told if t.event == "ordered"] == ["gateway.order_void", ""]
    assert deliveries(guard.take("intranet", result(first))) == []
    assert backlog(guard).size("booking") == WINDOW - 1


def test_a_paused_channel_keeps_what_comes_and_goes_on_when_resumed(guard):
    give(guard, order(1, "pause", channel="booking"), order(2, "pause", channel="slot-read"))
    out = guard.take("extranet", book(1))
    assert (answers(out)[0].status, deliveries(out)) == (202, [])
    (refused,) = answers(guard.take("extranet", read(2)))
    assert (refused.status, code(refused)) == (503, "gateway.channel_paused")
    assert deliveries(guard.start()) == []  # and a restart does not forget it
    orders = [order(3, "resume", channel="booking"), order(4, "resume", channel="slot-read")]
    assert len(deliveries(give(guard, *orders))) == 1
    assert deliveries(guard.take("extranet", read(5)))


def test_an_order_about_nothing_is_journaled_and_does_nothing(guard):
    give(guard, order(1, "pause", channel="none"), order(2, "rerun", delivery="none"))
    assert [t.rule for t in guard.told if t.event == "ordered"] == ["gateway.order_void"] * 2


@pytest.mark.parametrize("spoil", ["other key", "altered", "policy", "garbage"])
def test_what_is_not_signed_by_the_box_is_not_obeyed(guard, spoil):
    delivery = dead_letter(guard)
    rerun = [order(1, "rerun", delivery=delivery)]
    write(guard.folder, rerun, SigningKey.new() if spoil == "other key" else KEY)
    file = guard.folder / FILE
    if spoil == "altered":
        file.write_bytes(file.read_bytes().replace(b"rerun", b"drop"))
    elif spoil == "policy":  # signed by the right key, but no orders
        file.write_bytes((guard.folder / POLICY).read_bytes())
    elif spoil == "garbage":
        file.write_bytes(b"\xff\n\xff")
    assert deliveries(guard.pass_time(EVERY)) == []
    assert "ordered" not in guard.events
    assert len(guard.said) == 1
    with pytest.raises(OrdersInvalid):
        load(guard.folder, KEY.public)
    guard.pass_time(EVERY)
    assert len(guard.said) == 1  # a wrong file is said once, not every second
    assert deliveries(give(guard, *rerun))


def test_the_file_is_looked_at_once_a_second_at_most(guard, monkeypatch):
    guard.pass_time(EVERY)
    assert 0 < guard.exchange.wait() <= EVERY
    looked = []
    monkeypatch.setattr("network.gateway.orders.load", lambda *_: looked.append(1) or ())
    for number in range(1, 11):
        write(guard.folder, [order(number, "pause", channel="booking")], KEY)
        guard.pass_time(EVERY / 5)
    assert 1 <= len(looked) <= 2


@pytest.mark.parametrize(
    "wrong",
    [
        [order(0, "pause", channel="a")],
        [order(2, "pause", channel="a"), order(2, "pause", channel="b")],
        [order(2, "pause", channel="a"), order(1, "pause", channel="b")],
        [order(1, "pause")],
        [order(1, "rerun", channel="a")],
        [replace(order(1, "drop", delivery="d"), by="")],
        [replace(order(1, "drop", delivery="d"), at="")],
        [replace(order(1, "drop", delivery="d"), at="2026-11-22T00:00:00")],
    ],
)
def test_orders_that_are_none_are_not_signed(tmp_path, wrong):
    with pytest.raises(BadInput):
        write(tmp_path, wrong, KEY)


def test_without_a_file_there_are_no_orders(tmp_path):
    assert load(tmp_path, KEY.public) == ()
