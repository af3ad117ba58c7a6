"""Search and figures over many transfers: right, and quick enough to type at."""

import datetime as dt

import pytest
from sqlalchemy import insert

from appliance import clock
from controller.records import gateway, traffic
from controller.records.exchange import GatewayMinute, Transfer
from controller.records.gateway import Wanted
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Base
from controller.records.traffic import Span

MANY = 20_000  # the bench does it with a hundred thousand
LIMIT = 0.2  # seconds for one search; what a person waits for without noticing


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    made = open_records(f"sqlite:///{tmp_path_factory.mktemp('many') / 'box.sqlite'}")
    Base.metadata.create_all(made)
    begin = clock.now() - dt.timedelta(minutes=50)
    instants = [clock.iso(begin + dt.timedelta(seconds=n * 3000 / MANY)) for n in range(MANY)]
    with transaction(made) as session:
        session.execute(insert(Transfer), [_row(n, at) for n, at in enumerate(instants, 1)])
    yield made
    made.dispose()


def _row(number: int, at: str) -> dict[str, object]:
    refused = number % 10 == 0
    return {
        "number": number, "at": at, "channel": f"c{number % 7}", "direction": "extranet->intranet",
        "lane": "store", "verdict": "refused" if refused else "allowed",
        "rule": "gateway.no_channel" if refused else "", "data_class": "3",
        "peer": f"10.88.0.{number % 50}", "size": 100, "state": "refused" if refused else "delivered",
        "latency_ms": None if refused else float(number % 97), "hash": "", "kind": "SIU^S12",
        "purpose": "", "address": "", "delivery": f"d{number}", "note": "", "found": "",
        "dropped": 0, "masked": 0, "inert": 0, "attempts": 1, "count": 1, "answer": None,
        "ended_at": at,
    }  # fmt: skip


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(channel="c3"),
        Wanted(who="10.88.0.7", verdict="refused"),
        Wanted(rule="gateway.no_channel"),
        Wanted(text="nowhere to be found"),
        Wanted(slower=96.5),
        Wanted(kind="ADT^A01"),
        Wanted(direction="intranet->extranet"),
        Wanted(since="2026", until="2027", state="dead"),
        Wanted(delivery="d777"),
        Wanted(channel="c1", slower=90.0, before=500),
    ],
    ids=lambda wanted: ",".join(k for k, v in vars(wanted).items() if v and k != "limit") or "all",
)
def test_a_search_takes_no_time(engine, wanted):
    took = []
    for _ in range(3):
        start = clock.monotonic()
        with reading(engine) as session:
            gateway.transfers(session, wanted)
        took.append(clock.monotonic() - start)
    assert min(took) < LIMIT


def test_the_figures_of_the_plots_add_up(engine):
    span = Span.back(60)
    with reading(engine) as session:
        counted = traffic.verdicts(session, span)
        times = traffic.latency(session, span)
        depths = traffic.queues(session, span)
    inside = sum(v or 0 for line in counted.values() for v in line)
    assert MANY * 0.95 < inside <= MANY  # the present minute is left out
    assert sum(v or 0 for v in counted["refused"]) == pytest.approx(inside / 10, rel=0.01)
    assert max(v for v in times["p50"] if v is not None) < 60
    assert {v for line in depths.values() for v in line} <= {None, 0.0}


def test_a_queue_grows_and_shrinks_where_messages_came_and_went(tmp_path):
    engine = open_records(f"sqlite:///{tmp_path / 'box.sqlite'}")
    Base.metadata.create_all(engine)
    span = Span.back(10)

    def at(minutes: float) -> str:
        return clock.iso(span.begin + dt.timedelta(minutes=minutes))

    with transaction(engine) as session:
        for minute in range(10):
            if minute != 7:
                session.add(GatewayMinute(minute=at(minute)[:16], alive=True, starts=0))
        rows = ((1, 1.5, 4.5, "c"), (2, 2.5, None, "c"), (3, -99.0, 0.5, "c"), (4, 5.5, 5.6, "d"))
        for number, came, went, channel in rows:
            held = _row(number, at(came)) | {"channel": channel, "state": "accepted"}
            session.add(Transfer(**(held | {"ended_at": None if went is None else at(went)})))
    with reading(engine) as session:
        depths = traffic.queues(session, span)
        assert depths["c"] == (0.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0, None, 1.0, 1.0)
        assert set(depths["d"]) == {0.0, None}


def test_the_quantile_is_one_of_the_values():
    assert traffic.quantile([], 0.5) is None
    assert traffic.quantile([1.0, 2.0, 3.0], 0.5) == 2.0
    assert traffic.quantile([float(n) for n in range(100)], 0.95) == 95.0
    assert traffic.quantile([7.0], 0.95) == 7.0
