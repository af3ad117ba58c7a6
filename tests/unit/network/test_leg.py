"""A leg's reception with real doors on loopback: who gets in, what it keeps, what it tells the guard."""

import asyncio
import contextlib
from pathlib import Path

import orjson
import pytest
import uvloop

from network.gateway import reception as reception_module
from network.gateway.admission import FREE, Admission
from network.gateway.door import PIPELINED
from network.gateway.frames import BODY_LIMIT, Frame, Kind
from network.gateway.listening import Listen
from network.gateway.reception import Reception, Station
from network.gateway.suites import Contexts
from tests.unit.network.handshaking import HOME, call, made


class Someone:
    """A connection that is only counted."""

    def __init__(self, peer):
        self.peer = peer

    def check(self, now):
        pass


def test_one_peer_cannot_take_all_connections():
    kept = Admission(connections=10, of_one_peer=4)
    greedy = [Someone("a") for _ in range(6)]
    assert [kept.enter(door) for door in greedy] == [True] * 4 + [False] * 2
    assert all(kept.enter(Someone(str(n))) for n in range(6))
    assert not kept.enter(Someone("b"))
    kept.leave(greedy[5])  # was never counted
    assert len(kept) == 10
    kept.leave(greedy[0])
    kept.leave(greedy[0])
    assert len(kept) == 9
    assert kept.enter(greedy[5])
    assert greedy[5] in kept
    assert greedy[0] not in kept


def test_one_peer_cannot_hold_all_memory():
    kept = Admission(held=1000)
    a, b, c = Someone("a"), Someone("a"), Someone("c")
    assert all(kept.enter(door) for door in (a, b, c))
    assert kept.hold(a, FREE + 400)
    assert not kept.hold(b, FREE + 200)  # of one peer: 500
    assert kept.hold(b, FREE)
    assert kept.hold(c, FREE + 500)
    assert not kept.hold(c, FREE + 601)
    assert kept.hold(a, FREE + 500)
    assert not kept.hold(b, FREE + 1)
    kept.leave(a)
    assert kept.hold(b, FREE + 500)
    assert not kept.hold(Someone("d"), FREE + 1)


DIALLED = []


async def dial(port):
    """Connect to a door; `leg` hangs up at its end."""
    pair = await asyncio.open_connection(HOME, port)
    DIALLED.append(pair[1])
    return pair


@contextlib.asynccontextmanager
async def leg(*listen, contexts=None, spool="/nonexistent", has_room=lambda: True):
    """Open a reception whose frames go to a list; ports 0 are the kernel's to choose."""
    sent: list[Frame] = []
    station = Station("extranet", HOME, listen, contexts or Contexts({}), Path(spool))
    desk = Reception(station, sent.append, has_room)
    said = await desk.open()
    ports = [server.sockets[0].getsockname()[1] for server in desk._servers]
    try:
        yield desk, sent, ports, said
    finally:
        desk.close()
        for writer in DIALLED:
            writer.transport.abort()
        DIALLED.clear()
        for number in range(1, desk._count + 1):  # a half-closed peer is still owed its answer
            desk.answered(Frame(Kind.ANSWER, number, status=503, content_type="a/b"))
        await until(lambda: not len(desk._admission))


async def until(holds, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.002)


ASK = b"POST /a HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k1\r\nContent-Length: 2\r\n\r\n{}"


async def answer_of(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


def test_a_request_becomes_an_ask_and_the_answer_has_its_headers():
    async def run():
        async with leg(Listen("http", 0)) as (desk, sent, (port,), said):
            assert said[0].startswith("http ")
            reader, writer = await dial(port)
            writer.write(ASK)
            await until(lambda: sent)
            ask = sent[0]
            assert ask == Frame(Kind.ASK, 1, "POST", "/a", HOME, key="k1", port=port, body=b"{}")
            told = Frame(Kind.ANSWER, 1, target="/a/7", key='W/"1"', status=201,
                         content_type="application/fhir+json", body=b"{}")  # fmt: skip
            desk.answered(told)
            head, body = await answer_of(reader)
            assert head.startswith(b"HTTP/1.1 201 Created\r\n")
            assert b'\r\nLocation: /a/7\r\nETag: W/"1"\r\n' in head
            assert body == b"{}"
            writer.close()
            await until(lambda: not len(desk._admission))
            desk.answered(Frame(Kind.ANSWER, 1, status=200))  # nobody waits any more

    uvloop.run(run())


@pytest.mark.parametrize("kind", ["tls", "sm"])
def test_the_guard_learns_port_and_certificate_of_a_secured_ask(tmp_path, kind):
    ours = made(tmp_path)

    async def run():
        listen = Listen("http", 0, kind, client_cert=True)
        async with leg(listen, contexts=Contexts(ours)) as (desk, sent, (port,), _):
            line = await call(ours, port, kind)
            line.transport.write(ASK)
            await until(lambda: sent)
            mark = line.transport.get_extra_info("fingerprint")
            assert (sent[0].port, sent[0].secure, sent[0].body) == (port, mark, b"{}")
            assert len(mark) == 64
            desk.answered(Frame(Kind.ANSWER, 1, status=200, content_type="a/b", body=b"ok"))
            assert (await line.heard(20)).endswith(b"ok")
            line.transport.abort()

    uvloop.run(run())


def test_a_door_without_certificate_stays_closed_and_the_others_open():
    async def run():
        async with leg(Listen("http", 0, "sm"), Listen("http", 0)) as (_, __, ports, said):
            assert len(ports) == 1
            assert said[0].startswith("NOT http")
            assert "certificate" in said[0]

    uvloop.run(run())


def test_one_peer_does_not_take_every_place_in_the_line(monkeypatch):
    monkeypatch.setattr(reception_module, "_OF_ONE_PEER", 3)

    async def run():
        async with leg(Listen("http", 0)) as (desk, sent, (port,), _):
            pairs = [await dial(port) for _ in range(4)]
            for _, writer in pairs:
                writer.write(ASK)
            await until(lambda: len(sent) == 4)
            kinds = [frame.kind for frame in sent]
            assert (kinds.count(Kind.ASK), kinds.count(Kind.NOTE)) == (3, 1)
            note = next(frame for frame in sent if frame.kind is Kind.NOTE)
            assert (note.code, note.port) == ("gateway.busy", port)
            head, body = await answer_of(pairs[3][0])
            assert head.startswith(b"HTTP/1.1 503 ")
            assert orjson.loads(body)["code"] == "gateway.busy"
            desk.answered(Frame(Kind.ANSWER, 1, status=200, content_type="a/b"))
            await answer_of(pairs[0][0])
            pairs[3][1].write(ASK)
            await until(lambda: len(sent) == 5)
            assert sent[4].kind is Kind.ASK

    uvloop.run(run())


def test_a_guard_that_lags_costs_an_answer_not_the_leg():
    room = []

    async def run():
        async with leg(Listen("http", 0), has_room=lambda: bool(room)) as (_, sent, (port,), __):
            reader, writer = await dial(port)
            writer.write(ASK)
            head, _ = await answer_of(reader)
            assert head.startswith(b"HTTP/1.1 503 ")
            assert sent == []  # not even the note: the pipe is full
            room.append(1)
            writer.write(ASK)
            await until(lambda: sent)

    uvloop.run(run())


def test_unfinished_bodies_are_bounded_together():
    async def run():
        async with leg(Listen("http", 0)) as (desk, sent, (port,), _):
            desk._admission = Admission(held=2 << 20)
            head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BODY_LIMIT
            pairs = [await dial(port) for _ in range(3)]
            for _, writer in pairs:
                writer.write(head + bytes(600_000))
                await writer.drain()
                await asyncio.sleep(0.05)
            await until(lambda: sent)
            assert [frame.code for frame in sent] == ["gateway.busy"] * len(sent)
            assert (await answer_of(pairs[-1][0]))[0].startswith(b"HTTP/1.1 503 ")
            bound = desk._admission
        assert bound._total == 0

    uvloop.run(run())


def test_a_thousand_small_requests_in_one_piece_are_taken_a_few_at_a_time():
    small = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    async def run():
        async with leg(Listen("http", 0)) as (desk, sent, (port,), _):
            reader, writer = await dial(port)
            writer.write(small * 5000)
            await until(lambda: sent)
            await asyncio.sleep(0.1)
            most = 0
            for number in range(1, 5001):
                await until(lambda n=number: len(sent) >= n)
                most = max(most, len(sent) - number)
                desk.answered(Frame(Kind.ANSWER, number, status=200, content_type="a/b"))
            for _ in range(5000):
                await answer_of(reader)
            assert len(sent) == 5000
            # The parser stops between slices of 4096 bytes, which hold 146 of these.
            assert most <= PIPELINED + 150
            writer.close()

    uvloop.run(run())
