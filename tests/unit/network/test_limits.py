"""Hours, rate and daily quota of a channel."""

import datetime as dt
from dataclasses import replace

import pytest

from network.gateway.channel import Window, check_channel
from network.gateway.frames import Kind
from network.gateway.limits import check_open
from network.gateway.refusals import ClosedNow
from tests.unit.network.guarded import Guard, answers, book, code, deliveries, read, result
from tests.unit.network.test_policy import GOOD, STORE

MONDAY = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
WORK = Window((1, 2, 3, 4, 5), "08:00", "17:30")
NIGHT = Window((5,), "22:00", "06:00")


def is_open(*windows, days=0, at="00:00"):
    hours, minutes = at.split(":")
    local = MONDAY + dt.timedelta(days=days, hours=int(hours), minutes=int(minutes))
    try:
        check_open(replace(GOOD, windows=windows), local)
    except ClosedNow:
        return False
    return True


@pytest.mark.parametrize(
    ("days", "at", "expected"),
    [(0, "07:59", False), (0, "08:00", True), (0, "17:29", True), (0, "17:30", False),
     (4, "12:00", True), (5, "12:00", False), (6, "12:00", False)],
)  # fmt: skip
def test_a_window_is_open_from_its_start_up_to_its_end(days, at, expected):
    assert is_open(WORK, days=days, at=at) is expected


@pytest.mark.parametrize(
    ("days", "at", "expected"),
    [(4, "21:59", False), (4, "22:00", True), (5, "05:59", True), (5, "06:00", False),
     (5, "22:00", False), (4, "05:00", False)],
)  # fmt: skip
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(days, at, expected):
    assert is_open(NIGHT, days=days, at=at) is expected


def test_sunday_night_ends_on_monday_and_any_window_will_do():
    assert is_open(Window((7,), "23:00", "01:00"), WORK, at="00:30")
    assert is_open(Window(end="24:00"), days=6, at="23:59")


@pytest.mark.parametrize(
    "wrong",
    [Window(()), Window((0,)), Window((8,)), Window(start="8:00"), Window(start="24:00"),
     Window(end="24:01"), Window(start="08:00", end="08:00"), Window(end="18:60")],
)  # fmt: skip
def test_a_window_that_is_none_is_no_policy(wrong):
    with pytest.raises(ValueError, match="windows"):
        check_channel(replace(GOOD, windows=(wrong,)))


def test_outside_its_hours_a_channel_says_so(tmp_path):
    guard = Guard(tmp_path, replace(GOOD, windows=(Window(start="00:00", end="00:01"),)))
    guard.ahead = dt.timedelta(minutes=30)  # one of the two moments is not the first minute
    said = [guard.take("extranet", read())[0][1]]
    guard.ahead = dt.timedelta()
    said.append(guard.take("extranet", read())[0][1])
    refused = [frame for frame in said if frame.kind is Kind.ANSWER]
    assert refused
    assert {(frame.status, code(frame)) for frame in refused} == {(503, "gateway.closed_now")}


def test_the_quota_of_a_day_survives_a_restart_and_ends_with_the_day(tmp_path):
    guard = Guard(tmp_path, replace(STORE, quota=2), GOOD)
    assert [answers(guard.take("extranet", book(n)))[0].status for n in range(3)] == [202, 202, 429]
    guard.start()
    (refused,) = answers(guard.take("extranet", book(4)))
    assert (refused.status, code(refused)) == (429, "gateway.quota_used")
    assert deliveries(guard.take("extranet", read(5)))  # another channel's is untouched
    guard.ahead = dt.timedelta(days=1)
    assert answers(guard.take("extranet", book(6)))[0].status == 202


def test_a_restart_does_not_count_yesterday(tmp_path):
    guard = Guard(tmp_path, replace(STORE, quota=1))
    guard.take("extranet", book(1))
    guard.ahead = dt.timedelta(days=1)
    guard.start()
    assert answers(guard.take("extranet", book(2)))[0].status == 202


def test_a_message_known_already_costs_no_quota(tmp_path):
    guard = Guard(tmp_path, replace(STORE, quota=1))
    told = [answers(guard.take("extranet", book(n, key="k")))[0].status for n in range(3)]
    assert told == [202, 202, 202]


def test_the_quota_counts_requests_too(tmp_path):
    guard = Guard(tmp_path, replace(GOOD, quota=1))
    (call,) = deliveries(guard.take("extranet", read(1)))
    guard.take("intranet", result(call, body=b'{"resourceType":"Bundle"}'))
    assert answers(guard.take("extranet", read(2)))[0].status == 429
