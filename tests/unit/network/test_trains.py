"""Several deliveries of a channel on their way at once: order holds, nothing passes a failure."""

import asyncio
import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.gateway.delivery import BACKOFF, WINDOW
from network.gateway.frames import Frame, Kind
from network.gateway.trains import BEHIND, Trains
from tests.unit.network.guarded import Guard, book, deliveries
from tests.unit.network.mllp_talk import acknowledgement, message
from tests.unit.network.test_policy import STORE


def call(ident, line="booking", train="1", method="POST"):
    return Frame(Kind.CALL, ident, method, key=line, code=train, body=message("A1"))


def ridden(calls, ends):
    """Make the calls all at once; `ends` gives the result of each, in order of making."""

    async def run():
        made, told = [], iter(ends)

        async def make(one):
            made.append(one.ident)
            await asyncio.sleep(0)
            return Frame(Kind.RESULT, one.ident, **next(told))

        trains = Trains(make)
        results = await asyncio.gather(*map(trains.make, calls))
        return made, [(r.code or r.status) for r in results], trains

    return asyncio.run(run())


GOOD, BAD, AWAY = {"status": 200}, {"status": 500}, {"code": "late"}


@pytest.mark.parametrize("bad", [BAD, AWAY, {"status": 302}, {"status": 0}])
def test_nothing_is_made_behind_a_failure(bad):
    made, ends, _ = ridden([call(n) for n in range(5)], [GOOD, GOOD, bad])
    assert made == [0, 1, 2]
    assert ends[:2] + ends[3:] == [200, 200, BEHIND, BEHIND]


def test_another_train_begins_anew():
    made, ends, _ = ridden(
        [call(1), call(2), call(3, train="2"), call(4, train="2")], [BAD, GOOD, GOOD]
    )
    assert (made, ends) == ([1, 3, 4], [500, BEHIND, 200, 200])


def test_lines_know_nothing_of_each_other():
    made, ends, _ = ridden(
        [call(1), call(2, "other"), call(3), call(4, "other")], [BAD, GOOD, GOOD]
    )
    assert (sorted(made), ends) == ([1, 2, 4], [500, 200, BEHIND, 200])


def test_a_call_without_a_line_waits_for_nobody():
    made, ends, trains = ridden([call(n, "", "") for n in range(3)], [BAD, GOOD, GOOD])
    assert (len(made), ends, trains._lines) == (3, [500, 200, 200], {})


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        (acknowledgement("AA", "A1"), True), (acknowledgement("CA", "A1"), True),
        (acknowledgement("AE", "A1"), False), (acknowledgement("AR", "A1"), False),
        (acknowledgement("AA", "A2"), False), (b"garbage", False), (b"", False),
    ],
)  # fmt: skip
def test_over_mllp_only_an_acknowledgement_lets_the_next_go(said, passes):
    told = [{"status": 200, "body": said}, {"status": 200, "body": b""}]
    made, _, _ = ridden([call(1, method="MLLP"), call(2, method="MLLP")], told)
    assert made == ([1, 2] if passes else [1])


def test_a_maker_that_breaks_lets_nothing_pass():
    async def run():
        async def make(one):
            raise RuntimeError(str(one.ident))

        return await asyncio.gather(
            *map(Trains(make).make, [call(1), call(2)]), return_exceptions=True
        )

    first, second = asyncio.run(run())
    assert (str(first), second.code) == ("1", BEHIND)


# The guard's half


@pytest.fixture
def guard(tmp_path):
    return Guard(tmp_path)


def result(call, **told):
    return Frame(Kind.RESULT, call.ident, **(told or GOOD))


def test_only_so_many_are_on_their_way(guard):
    sent = [
        len(deliveries(guard.take("extranet", book(n, status=f"m{n}")))) for n in range(WINDOW + 3)
    ]
    assert sent == [1] * WINDOW + [0] * 3


def test_those_behind_a_failure_come_again_in_order_and_lose_no_attempt(guard):
    calls = [
        call
        for n in range(3)
        for call in deliveries(guard.take("extranet", book(n, status=f"m{n}")))
    ]
    assert guard.take("intranet", result(calls[0], status=500)) == []
    assert guard.take("intranet", result(calls[1], code=BEHIND)) == []
    assert guard.take("intranet", result(calls[2], code=BEHIND)) == []
    assert guard.events.count("attempt") == 1
    assert guard.exchange.wait() == pytest.approx(BACKOFF[0])
    again = deliveries(guard.pass_time(BACKOFF[0]))
    assert [c.delivery for c in again] == [c.delivery for c in calls]
    assert {c.code for c in again} == {"2"}


def test_nothing_new_joins_a_broken_train(guard):
    (first,) = deliveries(guard.take("extranet", book(1, status="a")))
    (second,) = deliveries(guard.take("extranet", book(2, status="b")))
    guard.take("intranet", result(first, status=500))
    assert deliveries(guard.take("extranet", book(3, status="c"))) == []
    assert deliveries(guard.pass_time(BACKOFF[0])) == []  # one of it is still on its way
    assert len(deliveries(guard.take("intranet", result(second, code=BEHIND)))) == 3


def test_a_leg_that_only_says_behind_runs_out_of_attempts(guard):
    (sent,) = deliveries(guard.take("extranet", book()))
    for _ in range(STORE.attempts):
        guard.take("intranet", result(sent, code=BEHIND))
        sent = next(iter(deliveries(guard.pass_time(100))), None)
    assert sent is None
    assert guard.events[-1] == "dead"


def test_a_dead_one_lets_the_others_go_on_at_once(tmp_path):
    guard = Guard(tmp_path, replace(STORE, attempts=1))
    calls = [
        call
        for n in range(3)
        for call in deliveries(guard.take("extranet", book(n, status=f"m{n}")))
    ]
    guard.take("intranet", result(calls[0], status=500))
    guard.take("intranet", result(calls[1], code=BEHIND))
    again = deliveries(guard.take("intranet", result(calls[2], code=BEHIND)))
    assert [c.delivery for c in again] == [c.delivery for c in calls[1:]]


def test_the_limit_of_one_grows_with_its_place(guard):
    for n in range(3):
        guard.take("extranet", book(n, status=f"m{n}"))
    limit = STORE.time_limit
    assert guard.exchange.wait() == pytest.approx(limit + 1.0)
    guard.pass_time(limit + 1.1)
    assert guard.events.count("attempt") == 1  # only the first is late


@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([GOOD, GOOD, GOOD, BAD, AWAY]), max_size=60), st.integers(1, 7))
def test_whatever_fails_the_receiver_sees_one_order(tmp_path_factory, ends, burst):
    """The guard's real mind and the leg's real trains; the receiver takes what is confirmed."""
    guard = Guard(tmp_path_factory.mktemp("guard"))
    told, taken, count = iter(ends), [], itertools.count()

    async def make(one):
        end = next(told, GOOD)
        if end is not BAD:
            taken.append(one.body)  # also where the answer was late
        return Frame(Kind.RESULT, one.ident, **end)

    async def run():
        trains, out, asked = Trains(make), [], 0
        while asked < 25 or out:
            for _ in range(burst if asked < 25 else 0):
                asked += 1
                out += deliveries(guard.take("extranet", book(next(count), status=f"m{asked:02d}")))
            results = await asyncio.gather(*map(trains.make, out))
            out = [c for r in results for c in deliveries(guard.take("intranet", r))]
            out += deliveries(guard.pass_time(61))
        return asked

    asked = asyncio.run(run())
    first_seen = list(dict.fromkeys(taken))
    assert first_seen == sorted(first_seen)
    assert len(first_seen) + guard.events.count("dead") >= asked
