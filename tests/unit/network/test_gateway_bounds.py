"""What a leg that was taken over, a sender or a slow scanner may cost the guard: bounded, never its end."""

import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from network.gateway import guard as guards
from network.gateway.channel import Resource
from network.gateway.frames import BODY_LIMIT, Frame, Kind, Splitter, render
from network.gateway.holds import ATTACHMENTS
from network.gateway.inspect import Field
from network.gateway.intake import AT_ONCE
from network.gateway.scan import OUTSTANDING, Scanner
from network.gateway.tallies import FIRST, RULES, SENDERS, Tallies
from tests.unit.network.guarded import Guard, answers, book, code, deliveries, read, result
from tests.unit.network.test_files import PDF, Lane
from tests.unit.network.test_policy import GOOD, STORE

TEXT = Field("text", "string", longest=BODY_LIMIT)
MARKUP = b'{"resourceType":"Bundle","text":"%s"}' % (b"<a" * (BODY_LIMIT // 4 + 1))


def test_a_message_that_grows_over_a_frame_is_refused_and_ends_nothing(tmp_path):
    large = replace(STORE, body_limit=BODY_LIMIT, request=(*STORE.request, TEXT))
    guard = Guard(tmp_path, large)
    (said,) = answers(guard.take("extranet", book(1, body=MARKUP)))
    assert (said.status, code(said)) == (413, "gateway.body_too_large")
    out = guard.take("extranet", book(2))
    assert (answers(out)[0].status, len(deliveries(out))) == (202, 1)
    for _, frame in out:
        render(frame)


def test_an_answer_that_grows_over_a_frame_is_refused_too(tmp_path):
    large = replace(GOOD, body_limit=BODY_LIMIT, response=(*GOOD.response, TEXT))
    guard = Guard(tmp_path, large)
    (call,) = deliveries(guard.take("extranet", read()))
    (said,) = answers(guard.take("intranet", result(call, body=MARKUP)))
    assert (said.status, code(said)) == (413, "gateway.body_too_large")


def test_one_message_asks_for_a_bounded_number_of_scans(tmp_path):
    channel = replace(
        STORE, protocol="fhir", method="", request=(), path="/fhir",
        resources=(Resource("DocumentReference", ("create",), whole=True),),
    )  # fmt: skip
    guard = Guard(tmp_path, channel)
    part = b'{"attachment":{"data":"QUFB"}}'
    told = b'{"resourceType":"DocumentReference","content":[%s]}'
    ask = book(
        1, target="/fhir/DocumentReference", body=told % b",".join([part] * (ATTACHMENTS + 1))
    )
    (said,) = guard.take("extranet", ask)
    assert said[1].status == 422
    ask = replace(ask, body=told % b",".join([part] * ATTACHMENTS))
    assert len(guard.take("extranet", ask)) == ATTACHMENTS


def opened():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_leg_that_offers_ever_more_files_opens_no_more_than_some(tmp_path, monkeypatch):
    monkeypatch.setattr("network.gateway.intake.Intake.step", lambda _: [])  # copying never ends
    lane = Lane(tmp_path)
    (lane.out / "a.pdf").write_bytes(PDF)
    before = opened()
    out = [frame for n in range(AT_ONCE + 20) for _, frame in lane.offer("a.pdf", ident=n)]
    assert opened() - before <= 2 * AT_ONCE
    assert {(f.status, code(f)) for f in out} == {(503, "gateway.busy")}
    assert len(out) == 20


def test_ever_new_rules_take_no_more_memory_and_no_more_of_the_journal():
    tallies = Tallies(lambda: 0.0)
    heard = sum(
        tallies.heard("extranet", f"peer {n}", f"rule {n}") for n in range(2 * SENDERS + RULES)
    )
    assert len(tallies._seen) == SENDERS + RULES + 1
    assert heard == SENDERS + RULES + FIRST


def test_a_leg_that_asks_and_hardly_reads_is_gone(monkeypatch):
    monkeypatch.setattr(guards, "_MOST", 1 << 20)
    reader, writer = os.pipe()
    pipe = guards.Pipe("extranet", reader, writer)
    pipe.send(bytes(1 << 20))
    with pytest.raises(guards.LegGone):
        pipe.send(b"x")
    os.close(reader)
    os.close(writer)


def test_a_scanner_goes_on_reading_while_clamd_says_nothing(tmp_path):
    where = tmp_path / "clamd"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(where))
        deaf.listen(1024)
        from_guard, to_scan = os.pipe()
        from_scan, to_guard = os.pipe()
        scanner = Scanner(where, tmp_path, to_guard)
        serving = threading.Thread(target=scanner.serve, args=(from_guard,), daemon=True)
        serving.start()
        count = 600
        assert count > OUTSTANDING
        asked = b"".join(render(Frame(Kind.SCAN, n, limit=500, body=b"x")) for n in range(count))
        giving = threading.Thread(target=os.write, args=(to_scan, asked), daemon=True)
        giving.start()
        giving.join(10)
        assert not giving.is_alive()
        os.close(to_scan)
        serving.join(10)
        assert not serving.is_alive()
        os.close(to_guard)
    with os.fdopen(from_scan, "rb") as told:
        verdicts = Splitter().feed(told.read())
    os.close(from_guard)
    assert sorted(v.ident for v in verdicts) == list(range(count))
    assert {v.code for v in verdicts} == {"late", "away"}
