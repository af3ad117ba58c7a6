"""The guard's decisions over a real journal file and a clock of the test's own."""

import json
import os
from dataclasses import replace

import pytest

from appliance.signing import SigningKey
from network.gateway import transfers
from network.gateway.exchange import BACKOFF, Exchange
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import Field
from network.gateway.journal import Journal
from network.gateway.policy import Policy, load, write
from tests.unit.network.test_policy import GOOD, STORE

KEY = SigningKey.new()
SLOTS = b'{"resourceType":"Bundle","secret":1}'


class Guard:
    """An exchange whose time the test moves."""

    def __init__(self, folder, *channels):
        self.folder, self.now = folder, 1000.0
        write(folder, Policy(1, "", channels or (GOOD, STORE)), KEY)
        (folder / "journal").mkdir(exist_ok=True)
        self.start()

    def start(self):
        loaded = load(self.folder, KEY.public)
        self.exchange = Exchange(loaded, Journal(self.folder / "journal"), clock=lambda: self.now)
        return self.exchange.commit()

    def take(self, side, frame):
        self.exchange.take(side, frame)
        self.exchange.tick()
        return self.exchange.commit()

    def pass_time(self, seconds):
        self.now += seconds
        self.exchange.tick()
        return self.exchange.commit()

    @property
    def events(self):
        return [t.event for t in transfers.read(self.folder / "journal")]


@pytest.fixture
def guard(tmp_path):
    return Guard(tmp_path)


def read(ident=1, **changed):
    return replace(Frame(Kind.ASK, ident, "GET", "/fhir/Slot?status=free", "10.88.0.10"), **changed)


def book(ident=1, key="", status="x"):
    told = json.dumps({"resourceType": status}).encode()
    return Frame(Kind.ASK, ident, "POST", "/fhir/Appointment", "10.88.0.10", key=key, body=told)


def code(answer):
    return json.loads(answer.body)["code"]


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
        os, "fdatasync", lambda fd: (synced.append(guard.exchange._out[:]), real(fd))
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


def deliveries(out):
    return [frame for _, frame in out if frame.kind is Kind.CALL]


def test_deliveries_keep_their_order_one_at_a_time(guard):
    (first,) = deliveries(guard.take("extranet", book(1, status="a")))
    assert deliveries(guard.take("extranet", book(2, status="b"))) == []
    (second,) = deliveries(guard.take("intranet", Frame(Kind.RESULT, first.ident, status=200)))
    assert (b'"a"' in first.body, b'"b"' in second.body) == (True, True)


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
    (call,) = deliveries(guard.start())
    assert call.body == b'{"resourceType":"x"}'
    narrow = replace(STORE, request=(Field("resourceType", "code", values=("y",)),))
    write(tmp_path, Policy(3, "", (narrow,)), KEY)
    assert deliveries(guard.start()) == []
    assert guard.events[-1] == "dead"
    (call,) = deliveries(guard.pass_time(0))
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
