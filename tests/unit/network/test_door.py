"""HTTP at a leg's door over real loopback sockets: order, limits, smuggling, half-closed peers."""

import asyncio

import orjson
import pytest
import uvloop

from network.gateway import door as door_module
from network.gateway.caller import Caller
from network.gateway.door import BODY_LIMIT, HEAD_LIMIT, PIPELINED, Door
from network.gateway.frames import Frame, Kind
from network.gateway.refusals import body


class Desk:
    """Answers each request with its body; `/slow` a little later than the ones after it."""

    room = 1 << 30

    def __init__(self):
        self.asked_for, self.doors, self.refusals, self.most = [], set(), [], 0

    def opened(self, door):
        self.doors.add(door)
        return True

    def closed(self, door):
        self.doors.discard(door)

    def holds(self, door, size):
        return size <= self.room

    def refused(self, door, refusal):
        self.refusals.append(refusal.code)
        return orjson.dumps(body(refusal))

    def asked(self, door, slot, asked):
        self.asked_for.append(asked)
        self.most = max(self.most, len(self.asked_for))
        later = 0.05 if asked.target == "/slow" else 0
        said = asked.target.encode() + b"|" + asked.body
        asyncio.get_running_loop().call_later(later, door.answer, slot, 200, "text/plain", said)


def talk(*pieces, half_close=True, wait=2.0):
    """Send the pieces one by one and return all that came back, with the desk."""

    async def run():
        desk = Desk()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Door(desk), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)
        if half_close:
            writer.write_eof()
        got = b""
        try:
            async with asyncio.timeout(wait):
                got = await reader.read(-1)
        except (TimeoutError, ConnectionResetError):
            got = b"no end"
        writer.close()
        server.close()
        await server.wait_closed()
        return got, desk

    return uvloop.run(run())


def request(target="/a", body=b"", *headers, method="POST"):
    head = [
        f"{method} {target} HTTP/1.1",
        "Host: x",
        *headers,
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(head).encode() + body


def bodies(answer):
    return [part.split(b"\r\n\r\n", 1)[1] for part in answer.split(b"HTTP/1.1 ")[1:]]


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_a_trailer_is_not_taken_for_a_header():
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer, desk = talk(head + b"3\r\nabc\r\n0\r\nIdempotency-Key: other\r\nB: c\r\n\r\n")
    assert statuses(answer) == [400]
    assert desk.asked_for == []


def test_an_endless_trailer_is_cut_off():
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nB: "
    endless = [b"c" * 65536] * (door_module.MESSAGE_LIMIT // 65536 + 2)
    answer, _ = talk(head, *endless, half_close=False)
    assert statuses(answer) == [413]


def test_whole_requests_before_an_unfinished_one_are_not_its_head():
    whole = request("/a", b"x" * (HEAD_LIMIT // 2))
    answer, _ = talk(whole * 3 + request("/b", b"y")[:20], request("/b", b"y")[20:])
    assert statuses(answer) == [200] * 4


def test_a_peer_that_does_not_read_is_not_read_either():
    class Generous(Desk):
        def asked(self, door, slot, asked):
            self.asked_for.append(asked)
            asyncio.get_running_loop().call_later(
                0.001, door.answer, slot, 200, "text/plain", bytes(1 << 17)
            )

    async def run():
        desk = Generous()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Door(desk), "127.0.0.1", 0)
        where = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(*where, limit=1024)
        for _ in range(150):
            writer.write(request() * 4)
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.05)
        heard = len(desk.asked_for)
        writer.transport.abort()
        server.close()
        await server.wait_closed()
        return heard

    # The kernel takes some megabytes for the peer; what it does not take must not pile up here.
    assert uvloop.run(run()) < 300


def test_pipelined_requests_are_answered_in_their_order():
    sent = request("/slow", b"1") + request("/b", b"2") + request("/c", b"3")
    assert bodies(talk(sent)[0]) == [b"/slow|1", b"/b|2", b"/c|3"]


@pytest.mark.parametrize("size", [1, 7, 40])
def test_boundaries_of_segments_mean_nothing(size):
    sent = request("/a", b"12345") + request("/b", b"67")
    answer, _ = talk(*[sent[i : i + size] for i in range(0, len(sent), size)])
    assert bodies(answer) == [b"/a|12345", b"/b|67"]


def test_a_half_closed_peer_still_gets_what_it_is_owed():
    assert bodies(talk(request("/slow", b"1"))[0]) == [b"/slow|1"]


def test_many_pipelined_requests_all_get_their_answer():
    count = PIPELINED * 5
    answer, desk = talk(b"".join(request(f"/{n}") for n in range(count)))
    assert bodies(answer) == [f"/{n}|".encode() for n in range(count)]
    assert len(desk.asked_for) == count


CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400),
        (b"GET /a HTTP/1.1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET http://evil/a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\rX: y\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * (HEAD_LIMIT + 1) + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * (HEAD_LIMIT + 1), 431),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: " + str(BODY_LIMIT + 1).encode() + b"\r\n\r\n", 413),
        (CHUNKED + b"\r\n" + (b"40000\r\n" + bytes(0x40000) + b"\r\n") * 17, 413),
    ],
)  # fmt: skip
def test_what_is_not_lawful_is_refused_and_the_connection_ends(sent, status):
    answer, desk = talk(sent, half_close=False)
    assert statuses(answer) == [status]
    assert desk.asked_for == []
    assert len(desk.refusals) == 1
    assert orjson.loads(bodies(answer)[0])["message"]["zh"]


def test_a_chunked_body_is_whole():
    answer, _ = talk(CHUNKED + b"\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert bodies(answer) == [b"/a|abcde"]


def test_a_good_request_before_a_bad_one_is_answered_first():
    answer, _ = talk(request("/slow", b"1") + b"BAD\r\n\r\n", half_close=False)
    assert statuses(answer) == [200, 400]


def test_a_slow_request_is_ended(monkeypatch):
    monkeypatch.setattr(door_module, "REQUEST_TIME", 0.0)

    async def run():
        desk = Desk()
        server = await asyncio.get_running_loop().create_server(lambda: Door(desk), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"POST /a HTTP/1.1\r\nHost:")
        await asyncio.sleep(0.05)
        for one in list(desk.doors):
            one.check(1e12)
        got = await asyncio.wait_for(reader.read(-1), 2)
        writer.close()
        server.close()
        await server.wait_closed()
        return got

    assert statuses(uvloop.run(run())) == [408]


def call(*answers, limit=500, calls=1):
    """Let a Caller make calls to a server that gives these raw answers, one per connection use."""
    given = iter(answers)

    async def serve(reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            assert b"X-HBox-Delivery: d1" in head
            answer = next(given, None)
            if answer is None:
                break
            writer.write(answer)
            if answer.endswith(b"!close"):
                break
        writer.close()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        caller, got = Caller(), []
        for number in range(calls):
            frame = Frame(Kind.CALL, number, "GET", "/a", f"{host}:{port}", "d1", limit=limit)
            got.append(await caller.make(frame))
            await asyncio.sleep(0.02)
        caller.close()
        await asyncio.sleep(0.02)
        server.close()
        await server.wait_closed()
        return got

    return uvloop.run(run())


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_call_brings_status_and_body():
    assert [(r.status, r.body, r.code) for r in call(OK, OK, calls=2)] == [(200, b"ok", "")] * 2


def test_a_connection_that_the_receiver_closed_is_replaced():
    closing = OK + b"!close"
    first, second = call(closing.replace(b"!close", b""), OK, calls=2)
    assert (first.code, second.code) == ("", "")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok!close", ""),
        (b"garbage\r\n\r\n", "not lawful HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n!close", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", "late"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + bytes(BODY_LIMIT + 1), "answer too large"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * (2 * BODY_LIMIT + 1), "answer too large"),
    ],
)  # fmt: skip
def test_what_a_receiver_does_wrong_is_said(answer, code):
    result = call(answer)[0]
    assert result.code == code


def test_an_answer_nobody_asked_for_is_not_the_next_calls():
    other = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
    got = call(OK + other, OK, calls=2)
    assert [r.body for r in got] == [b"ok", b"ok"]
    got = call(OK + other[:-3], b"her" + OK, OK, calls=2)
    assert b"other" not in [r.body for r in got]


def test_nobody_there_is_said():
    async def run():
        return await Caller().make(Frame(Kind.CALL, 1, "GET", "/", "127.0.0.1:1", limit=500))

    assert uvloop.run(run()).code
