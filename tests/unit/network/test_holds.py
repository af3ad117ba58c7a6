"""Attachments cross only when the scanner says so, and nothing of a channel overtakes them."""

import json
from dataclasses import replace

import pytest

from network.gateway.frames import Frame, Kind
from network.gateway.holds import LIMIT, PATIENCE
from network.gateway.protocols.http_json import JsonPlan
from tests.unit.network.guarded import Guard, answers, book, code, deliveries, read, result
from tests.unit.network.test_policy import GOOD, STORE


@pytest.fixture
def attached(monkeypatch):
    """Let each message of STORE whose status starts with `att` carry that many attachments."""
    real = JsonPlan.ask

    def ask(self, asked):
        passed = real(self, asked)
        said = json.loads(asked.body)["resourceType"] if asked.body else ""
        parts = int(said[3:4]) if said.startswith("att") else 0
        return replace(passed, attachments=tuple(b"file %d" % n for n in range(parts)))

    monkeypatch.setattr(JsonPlan, "ask", ask)


@pytest.fixture
def guard(tmp_path, attached):
    return Guard(tmp_path)


def scans(out):
    return [frame for side, frame in out if side == "scan"]


def verdict(scan, status=200, name=""):
    return Frame(Kind.VERDICT, scan.ident, status=status, code=name)


def test_an_attachment_waits_for_its_verdict(guard):
    out = guard.take("extranet", book(1, status="att2"))
    assert [frame.body for frame in scans(out)] == [b"file 0", b"file 1"]
    assert answers(out) == []
    first, second = scans(out)
    assert guard.take("scan", verdict(second)) == []
    assert "accepted" not in guard.events
    out = guard.take("scan", verdict(first))
    assert (answers(out)[0].status, len(deliveries(out))) == (202, 1)


def test_what_comes_behind_waits_behind_it_and_other_channels_do_not(guard):
    (scan,) = scans(guard.take("extranet", book(1, status="att1")))
    assert guard.take("extranet", book(2, status="b")) == []
    (later,) = scans(guard.take("extranet", book(3, status="att1x")))
    assert deliveries(guard.take("extranet", read(9)))
    assert guard.take("scan", verdict(later)) == []  # scanned first, still not first
    out = guard.take("scan", verdict(scan))
    assert [frame.ident for frame in answers(out)] == [1, 2, 3]
    stored = [item.place.read() for item in guard.exchange._ledger.backlog.queues["booking"]]
    assert [json.loads(body)["resourceType"] for body in stored] == ["att1", "b", "att1x"]


def test_malware_is_refused_by_name_and_lets_the_next_pass(guard):
    (scan, other) = scans(guard.take("extranet", book(1, status="att2")))
    guard.take("extranet", book(2, status="b"))
    out = guard.take("scan", verdict(scan, 422, "Eicar-Test-Signature"))
    refused, accepted = answers(out)
    assert (refused.ident, refused.status, code(refused)) == (1, 422, "gateway.malware")
    assert "Eicar-Test-Signature" in json.loads(refused.body)["message"]["en"]
    assert (accepted.ident, accepted.status) == (2, 202)
    told = next(t for t in guard.told if t.event == "refused")
    assert (told.rule, told.channel) == ("gateway.malware", "booking")
    assert "Eicar-Test-Signature" in told.note
    assert guard.take("scan", verdict(other)) == []  # the other part's verdict comes too late


@pytest.mark.parametrize(
    ("status", "name"),
    [(503, "away"), (504, "late"), (413, "too_large"), (404, "missing"), (0, ""), (200, "odd")],
)
def test_only_clean_is_clean(guard, status, name):
    (scan,) = scans(guard.take("extranet", book(1, status="att1")))
    (refused,) = answers(guard.take("scan", verdict(scan, status, name)))
    assert (refused.status, code(refused)) == (503, "gateway.scanner_away")
    assert "accepted" not in guard.events


def test_a_silent_scanner_is_away(guard):
    guard.take("extranet", book(1, status="att1"))
    guard.take("extranet", book(2, status="b"))
    assert guard.exchange.wait() == pytest.approx(PATIENCE)
    refused, accepted = answers(guard.pass_time(PATIENCE))
    assert (refused.ident, code(refused)) == (1, "gateway.scanner_away")
    assert accepted.status == 202


def test_without_a_scanner_only_attachments_are_refused(tmp_path, attached):
    guard = Guard(tmp_path, scanner=False)
    (refused,) = answers(guard.take("extranet", book(1, status="att1")))
    assert (refused.status, code(refused)) == (503, "gateway.scanner_away")
    assert answers(guard.take("extranet", book(2, status="b")))[0].status == 202


@pytest.mark.parametrize("side", ["extranet", "intranet"])
def test_a_leg_cannot_play_the_scanner(guard, side):
    (scan,) = scans(guard.take("extranet", book(1, status="att1")))
    assert guard.take(side, verdict(scan)) == []
    assert guard.take("scan", Frame(Kind.ASK, 1, "GET", "/fhir/Slot", "10.88.0.10")) == []
    assert "accepted" not in guard.events


def test_an_answer_with_attachments_is_scanned_too(tmp_path, monkeypatch):
    guard = Guard(tmp_path)
    real = JsonPlan.answer

    def answer(self, asked, came):
        return replace(real(self, asked, came), attachments=(b"scan me", b"me too"))

    monkeypatch.setattr(JsonPlan, "answer", answer)
    (call,) = deliveries(guard.take("extranet", read(7)))
    out = guard.take("intranet", result(call, body=b'{"resourceType":"Bundle"}'))
    first, second = scans(out)
    assert (first.body, second.body) == (b"scan me", b"me too")
    assert guard.take("scan", verdict(first)) == []
    assert "answer" not in guard.events
    (said,) = answers(guard.take("scan", verdict(second)))
    assert (said.ident, said.status) == (7, 200)
    assert guard.told[-1].event == "answer"


def test_what_is_held_in_memory_is_bounded(guard, monkeypatch):
    monkeypatch.setattr("network.gateway.holds.LIMIT", 100)
    (scan,) = scans(guard.take("extranet", book(1, status="att1" + "x" * 50)))
    (refused,) = answers(guard.take("extranet", book(2, status="att1" + "x" * 50)))
    assert (refused.status, code(refused)) == (503, "gateway.busy")
    guard.take("scan", verdict(scan))
    assert scans(guard.take("extranet", book(3, status="att1" + "x" * 50)))
    assert LIMIT >= 16 << 20


def test_a_personal_number_is_refused_only_where_the_channel_says_so(tmp_path, monkeypatch):
    real = JsonPlan.ask
    monkeypatch.setattr(
        JsonPlan, "ask", lambda self, ask: replace(real(self, ask), found="id-card:1", masked=1)
    )
    guard = Guard(tmp_path, replace(STORE, leak="refuse"))
    (refused,) = answers(guard.take("extranet", book()))
    assert (refused.status, code(refused)) == (422, "gateway.personal_number")
    assert (guard.told[-1].rule, guard.told[-1].found) == ("gateway.personal_number", "id-card:1")
    for leak in ("mask", "report"):
        guard.issue(replace(STORE, leak=leak))
        guard.start()
        out = guard.take("extranet", book())
        assert answers(out)[0].status == 202
        told = next(t for t in reversed(guard.told) if t.event == "accepted")
        assert (told.found, told.masked) == ("id-card:1", 1)


def test_a_personal_number_in_an_answer_is_refused_too(tmp_path, monkeypatch):
    real = JsonPlan.answer
    monkeypatch.setattr(
        JsonPlan, "answer", lambda self, *given: replace(real(self, *given), found="phone:1")
    )
    guard = Guard(tmp_path, GOOD)
    (call,) = deliveries(guard.take("extranet", read(7)))
    (said,) = answers(guard.take("intranet", result(call, body=b'{"resourceType":"Bundle"}')))
    assert (said.status, code(said)) == (422, "gateway.personal_number")
    assert "answer" not in guard.events
